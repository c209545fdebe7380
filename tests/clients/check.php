<?php

// Tries engine/clients/php: `engine` (at CAMPANILE_API, with CAMPANILE_KEY), `refusals` (a server of its own that refuses),
// `verify` (a JSON line each on standard input, {"secret", "headers", "body"}; says `ok` or `refused` for each).

declare(strict_types=1);

require __DIR__ . "/../../engine/clients/php/Campanile.php";

use Campanile\Client;
use Campanile\NotOurs;
use Campanile\Problem;
use Campanile\Unreachable;

function holds(bool $what, mixed $found = null): void
{
    if (!$what) {
        throw new LogicException("it does not hold: " . json_encode($found));
    }
}

/** The refusal of what is refused. */
function refused(callable $what): Throwable
{
    try {
        $what();
    } catch (Problem | Unreachable $refusal) {
        return $refusal;
    }
    throw new LogicException("it was taken");
}

function engine(): void
{
    $api = new Client(getenv("CAMPANILE_API"), getenv("CAMPANILE_KEY"), language: "fr");
    holds($api->tenant()["credits"]["available"] > 0);
    $person = fn(int $n): array => ["reference" => "P-$n", "number" => "+3361200000$n", "last_name" => "Nom $n", "practices" => ["Lyon"]];
    $people = array_map($person, range(0, 4));
    holds(count($api->contacts->upsert($people)["data"]) === 5);
    // Page after page, each of two.
    holds(count(iterator_to_array($api->pages("/v1/contacts", ["limit" => 2]), false)) === 5);
    $lyon = ["field" => "practice", "is" => "lyon"];
    holds($api->contacts->count($lyon) === 5);
    $found = iterator_to_array($api->contacts->search($lyon), false);
    holds(count(array_unique(array_column($found, "reference"))) === 5, $found);
    $marathon = $api->lists->create("Marathon");
    $api->lists->change($marathon["id"], add: [$found[0]["id"], $found[1]["id"]]);
    holds(array_column($api->lists->list(), "contacts") === [2]);
    $order = [
        "name" => "Rappel", "text" => "Bonjour [Nom]", "sender" => "OSTEO", "purpose" => "transactional",
        "audience" => ["lists" => [$marathon["id"]]],
    ];
    $campaign = $api->campaigns->create($order, "rappel-1");
    holds($api->campaigns->create($order, "rappel-1")["id"] === $campaign["id"]);
    holds($api->campaigns->estimate($campaign["id"])["max"]["recipients"] === 2);
    $edited = $api->campaigns->edit($campaign["id"], ["name" => "Rappel 2", "validity" => 3600]);
    holds([$edited["name"], $edited["validity"], $edited["text"]] === ["Rappel 2", 3600, "Bonjour [Nom]"], $edited);
    holds($api->campaigns->edit($campaign["id"], ["validity" => null])["validity"] === null);
    $api->campaigns->schedule($campaign["id"], date(DATE_RFC3339, time() + 30 * 86_400));
    holds($api->campaigns->schedule($campaign["id"], null)["state"] === "draft");
    $api->campaigns->cancel($campaign["id"]);
    holds(in_array($campaign["id"], array_column(iterator_to_array($api->campaigns->list(), false), "id"), true));
    $message = ["to" => "0612345678", "text" => "RDV demain", "sender" => "OSTEO"];
    $sent = $api->messages->send($message, "rdv-1");
    holds($api->messages->send($message, "rdv-1") === $sent);
    holds($api->messages->get($sent["id"])["to"] === "+33612345678");
    $webhook = $api->webhooks->create("https://example.org/", ["message.*"]);
    holds(str_starts_with($webhook["secret"], "whsec_"));
    holds(iterator_to_array($api->webhooks->deliveries($webhook["id"]), false) === []);
    holds($api->webhooks->rotate($webhook["id"])["secret"] !== $webhook["secret"]);
    $api->webhooks->delete($webhook["id"]);
    $api->lists->delete($marathon["id"]);
    $api->contacts->delete($found[0]["id"]);
    holds([$api->webhooks->list(), $api->lists->list(), $api->contacts->count([])] === [[], [], 4]);
    $problem = refused(fn() => $api->messages->send([...$message, "to" => "06"]));
    holds([$problem->status, $problem->problemCode, $problem->errors[0]["pointer"]] === [422, "invalid_fields", "/to"]);
    holds(str_starts_with($problem->requestId, "req_") && str_contains($problem->getMessage(), "Ce numéro n'existe pas"));
    $problem = refused(fn() => (new Client(getenv("CAMPANILE_API"), "sk_live_nobodys"))->tenant());
    holds([$problem->status, $problem->problemCode] === [401, "unauthorized"]);
}

/** A server that answers as it is told, one connection after the other: what it saw as idempotency keys. */
function served(array $script, callable $ask): array
{
    $server = stream_socket_server("tcp://127.0.0.1:0");
    $address = stream_socket_get_name($server, false);
    [$here, $there] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
    $child = pcntl_fork();
    if ($child === 0) {
        foreach ($script as [$status, $header, $body]) {
            $connection = stream_socket_accept($server);
            $head = "";
            while (!str_contains($head, "\r\n\r\n")) {
                $head .= fread($connection, 8192);
            }
            preg_match('/idempotency-key: (\S+)/i', $head, $key);
            fwrite($there, ($key[1] ?? "none") . "\n");
            if ($status !== 0) {
                $text = json_encode($body);
                fwrite($connection, "HTTP/1.1 $status X\r\n{$header}Content-Length: " . strlen($text) . "\r\n\r\n$text");
            }
            fclose($connection);
        }
        exit(0);
    }
    fclose($there);
    $waits = [];
    $api = new Client("http://$address", "sk_live_x", sleep: function (float $seconds) use (&$waits): void {
        $waits[] = $seconds;
    });
    $found = $ask($api);
    pcntl_waitpid($child, $status);
    return [$found, $waits, explode("\n", trim(stream_get_contents($here)))];
}

function refusals(): void
{
    $order = ["to" => "+33612345678", "text" => "Bonjour", "sender" => "OSTEO"];
    $send = fn(Client $api): array => $api->messages->send($order);
    $script = [
        [429, "Retry-After: 7\r\n", ["code" => "too_many_requests", "detail" => "Later."]], [503, "", []], [0, "", []],
        [409, "Retry-After: 2\r\n", ["code" => "operation_running"]], [202, "", ["id" => "msg_1"]],
    ];
    [$found, $waits, $keys] = served($script, $send);
    holds($found === ["id" => "msg_1"] && $waits == [7, 2, 4, 2], [$found, $waits]);
    holds(count($keys) === 5 && count(array_unique($keys)) === 1 && $keys[0] !== "none", $keys);
    // What is asked for is longer than anybody waits, or nothing that another try would mend: it is said at once.
    foreach ([[429, "Retry-After: 3600\r\n", "too_many_requests"], [402, "", "insufficient_credit"]] as [$status, $header, $code]) {
        [$problem, $waits] = served([[$status, $header, ["code" => $code]]], fn(Client $api) => refused(fn() => $send($api)));
        holds([$problem->status, $problem->problemCode, $waits] === [$status, $code, []]);
    }
    [$refusal, $waits] = served(array_fill(0, 5, [0, "", []]), fn(Client $api) => refused(fn() => $send($api)));
    holds($refusal instanceof Unreachable && $waits == [1, 2, 4, 8], $waits);
    [$problem] = served(array_fill(0, 5, [503, "", []]), fn(Client $api) => refused(fn() => $send($api)));
    holds([$problem->status, $problem->problemCode] === [503, "unknown"]);
}

function verified(): void
{
    while (($line = fgets(STDIN)) !== false) {
        $given = json_decode($line, true);
        try {
            Campanile\verify($given["secret"], $given["body"], $given["headers"]);
            echo "ok\n";
        } catch (NotOurs) {
            echo "refused\n";
        }
    }
}

["engine" => engine(...), "refusals" => refusals(...), "verify" => verified(...)][$argv[1]]();
