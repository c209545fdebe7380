<?php

/**
 * Campanile's API from PHP (8.1 or newer), with nothing but what PHP has itself.
 *
 *     require "Campanile.php";
 *
 *     $api = new Campanile\Client("https://sms.example", $key);
 *     $campaign = $api->campaigns->create(["name" => …, "text" => …, "sender" => …, "purpose" => …, "audience" => […]]);
 *     $api->campaigns->launch($campaign["id"]);
 *
 * Bodies and answers are those of the API's document (/openapi.json), as arrays. What is refused throws a Problem. Every POST
 * has an idempotency key, so that it is done once however often it is sent; 429, 503 and lost connections are tried again with
 * the same one.
 */

declare(strict_types=1);

namespace Campanile;

/** Which answers are worth another try: too many requests, not ready. */
const AGAIN = [429, 503];

/** The first wait when no answer says how long, in seconds; it doubles each time. */
const FIRST_WAIT = 1.0;

/** How many rows a page has. */
const PAGE = 500;

/** What a secret of webhooks begins with. */
const SECRET_PREFIX = "whsec_";

/** How far the clocks of sender and receiver may be apart, in seconds. */
const TOLERANCE = 300;

/** The engine says no, as RFC 9457 has it. `problemCode` never changes; `detail` is for people. */
final class Problem extends \RuntimeException
{
    public readonly string $problemCode;
    public readonly string $title;
    public readonly string $detail;
    /** @var list<array{pointer: string, code: string, detail: string}> What is wrong with each field, and where it is. */
    public readonly array $errors;
    public readonly ?string $requestId;
    public readonly ?string $nextOpenAt;

    /** @param array<string, mixed> $document */
    public function __construct(public readonly int $status, array $document)
    {
        $this->problemCode = $document["code"] ?? "unknown";
        $this->title = $document["title"] ?? "";
        $this->detail = $document["detail"] ?? "";
        $this->errors = $document["errors"] ?? [];
        $this->requestId = $document["request_id"] ?? null;
        $this->nextOpenAt = $document["next_open_at"] ?? null;
        $fields = array_map(fn(array $error): string => "\n  {$error["pointer"]}: {$error["detail"]}", $this->errors);
        $words = $this->detail ?: ($this->title ?: (string) $status);
        parent::__construct("$words ({$this->problemCode})" . implode("", $fields), $status);
    }
}

/** No answer came, however often it was tried. A POST may have been done: sent again under its key it is done once. */
final class Unreachable extends \RuntimeException
{
}

/** What came to a webhook is not signed with its secret, or is too old. */
final class NotOurs extends \RuntimeException
{
}

/** A tenant's way to the API. */
final class Client
{
    public readonly Campaigns $campaigns;
    public readonly Messages $messages;
    public readonly Contacts $contacts;
    public readonly Imports $imports;
    public readonly Lists $lists;
    public readonly Webhooks $webhooks;
    private readonly string $base;
    private readonly \Closure $sleep;

    /**
     * `attempts`: how often a request is sent at the most. `longestWait` (seconds): longer waits than that are not waited for; the
     * refusal is thrown then. `timeout` (seconds): how long an answer may be silent. `language`: of the problems' words, "en" or "fr".
     *
     * @param null|callable(float): void $sleep
     */
    public function __construct(
        string $baseUrl,
        private readonly string $key,
        private readonly string $language = "en",
        private readonly float $timeout = 60.0,
        private readonly int $attempts = 5,
        private readonly float $longestWait = 60.0,
        ?callable $sleep = null,
    ) {
        $this->base = rtrim($baseUrl, "/");
        $this->sleep = \Closure::fromCallable($sleep ?? fn(float $seconds) => usleep((int) ($seconds * 1e6)));
        $this->campaigns = new Campaigns($this);
        $this->messages = new Messages($this);
        $this->contacts = new Contacts($this);
        $this->imports = new Imports($this);
        $this->lists = new Lists($this);
        $this->webhooks = new Webhooks($this);
    }

    /** Who asks, with what was agreed on and its credits. */
    public function tenant(): array
    {
        return $this->get("/v1/tenant");
    }

    /** `GET`, for what has no method of its own. @param array<string, mixed> $query */
    public function get(string $path, array $query = []): array
    {
        return self::decoded($this->send("GET", $path, $query));
    }

    /** `POST`, done once; the key is made here when none is given. @param array<string, mixed> $body */
    public function post(string $path, array $body = [], ?string $idempotencyKey = null): array
    {
        $text = json_encode($body ?: new \stdClass(), JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE);
        $key = $idempotencyKey ?? bin2hex(random_bytes(16));
        return self::decoded($this->send("POST", $path, [], $text, key: $key));
    }

    /** `PATCH`: what is given is otherwise from then on. @param array<string, mixed> $body */
    public function patch(string $path, array $body): array
    {
        $text = json_encode($body ?: new \stdClass(), JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE);
        return self::decoded($this->send("PATCH", $path, [], $text));
    }

    /** The rows of a list, page after page, as they are asked for. @param array<string, mixed> $query */
    public function pages(string $path, array $query = []): \Generator
    {
        $cursor = null;
        do {
            $page = $this->get($path, [...["limit" => PAGE], ...$query, "cursor" => $cursor]);
            foreach ($page["data"] as $row) {
                yield $row;
            }
            $cursor = $page["next_cursor"] ?? null;
        } while ($cursor !== null);
    }

    /** Any request, tried again where that is worth it; its answer as it comes. @param array<string, mixed> $query */
    public function send(
        string $method,
        string $path,
        array $query = [],
        ?string $body = null,
        string $contentType = "application/json",
        ?string $key = null,
    ): string {
        // What is null is left out.
        $url = $this->base . $path . ($query ? "?" . http_build_query($query) : "");
        $headers = ["Authorization: Bearer $this->key", "Accept-Language: $this->language", "Connection: close"];
        if ($body !== null) {
            $headers[] = "Content-Type: $contentType";
        }
        if ($key !== null) {
            $headers[] = "Idempotency-Key: $key";
        }
        $wait = FIRST_WAIT;
        for ($left = max(1, $this->attempts) - 1;; $left--, $wait *= 2) {
            $answer = $this->once($method, $url, $headers, $body);
            if ($answer === null) {
                // What changes something without a key may have been done.
                if ($left === 0 || ($method !== "GET" && $key === null)) {
                    throw new Unreachable("$method $url: no answer");
                }
                ($this->sleep)(min($wait, $this->longestWait));
                continue;
            }
            [$status, $retryAfter, $text] = $answer;
            if ($status >= 200 && $status < 300) {
                return $text;
            }
            // A proxy in between has no problem documents.
            $document = json_decode($text, true);
            $problem = new Problem($status, is_array($document) ? $document : []);
            // The same request is still being done: a connection was lost.
            $again = in_array($status, AGAIN, true) || $problem->problemCode === "operation_running";
            if ($left === 0 || !$again || ($retryAfter ?? $wait) > $this->longestWait) {
                throw $problem;
            }
            ($this->sleep)($retryAfter ?? $wait);
        }
    }

    public function sleep(float $seconds): void
    {
        ($this->sleep)($seconds);
    }

    /**
     * One attempt: its status, how long is to be waited if that is said, and the answer; `null`: there is none.
     *
     * @param list<string> $headers
     * @return null|array{int, ?float, string}
     */
    private function once(string $method, string $url, array $headers, ?string $body): ?array
    {
        $settings = ["method" => $method, "header" => $headers, "timeout" => $this->timeout, "ignore_errors" => true, "follow_location" => 0];
        if ($body !== null) {
            $settings["content"] = $body;
        }
        $stream = @fopen($url, "r", false, stream_context_create(["http" => $settings]));
        if ($stream === false) {
            return null;
        }
        $text = stream_get_contents($stream);
        $state = stream_get_meta_data($stream);
        fclose($stream);
        $lines = $state["wrapper_data"] ?? [];
        if ($text === false || $state["timed_out"] || !preg_match('~^HTTP/\S+ (\d{3})~', $lines[0] ?? "", $found)) {
            return null;
        }
        [$retryAfter, $length] = [null, null];
        foreach ($lines as $line) {
            if (preg_match('/^retry-after:\s*(\d+)\s*$/i', $line, $seconds)) {
                $retryAfter = (float) $seconds[1];
            }
            if (preg_match('/^content-length:\s*(\d+)\s*$/i', $line, $octets)) {
                $length = (int) $octets[1];
            }
        }
        // One that broke off is none.
        return $length !== null && strlen($text) < $length ? null : [(int) $found[1], $retryAfter, $text];
    }

    private static function decoded(string $text): array
    {
        return $text === "" ? [] : json_decode($text, true, flags: JSON_THROW_ON_ERROR);
    }
}

/** A part of the API. */
abstract class Part
{
    public function __construct(protected readonly Client $api)
    {
    }

    protected static function path(string ...$parts): string
    {
        return "/v1/" . implode("/", array_map(rawurlencode(...), $parts));
    }
}

/** Campaigns: made, estimated, launched, followed. */
final class Campaigns extends Part
{
    /** Make one; nothing is sent before its launch. @param array<string, mixed> $order */
    public function create(array $order, ?string $idempotencyKey = null): array
    {
        return $this->api->post("/v1/campaigns", $order, $idempotencyKey);
    }

    /** All of them, newest first. */
    public function list(): \Generator
    {
        return $this->api->pages("/v1/campaigns");
    }

    /** One with its progress. */
    public function get(string $campaign): array
    {
        return $this->api->get(self::path("campaigns", $campaign));
    }

    /** Have a draft say something else; what is not given stays, `null` takes it away. @param array<string, mixed> $change */
    public function edit(string $campaign, array $change): array
    {
        return $this->api->patch(self::path("campaigns", $campaign), $change);
    }

    /** What it will take and cost; nothing is held. */
    public function estimate(string $campaign): array
    {
        return $this->api->post(self::path("campaigns", $campaign, "estimate"));
    }

    /** Launch it: the credits of its estimate are held, all of them or none. */
    public function launch(string $campaign, ?string $idempotencyKey = null): array
    {
        return $this->api->post(self::path("campaigns", $campaign, "launch"), [], $idempotencyKey);
    }

    /** Have it launch by itself at a date; `null`: it is a draft again. */
    public function schedule(string $campaign, ?string $at, ?string $timeZone = null): array
    {
        $zone = $timeZone === null ? [] : ["time_zone" => $timeZone];
        return $this->api->post(self::path("campaigns", $campaign, "schedule"), ["scheduled_at" => $at, ...$zone]);
    }

    /** Nothing more of it is sent until it is resumed. */
    public function pause(string $campaign): array
    {
        return $this->api->post(self::path("campaigns", $campaign, "pause"));
    }

    /** Go on with a paused one. */
    public function resume(string $campaign): array
    {
        return $this->api->post(self::path("campaigns", $campaign, "resume"));
    }

    /** End it for good: what is not sent is canceled. */
    public function cancel(string $campaign): array
    {
        return $this->api->post(self::path("campaigns", $campaign, "cancel"));
    }

    /** Forget one that was not launched. */
    public function delete(string $campaign): void
    {
        $this->api->send("DELETE", self::path("campaigns", $campaign));
    }

    /** The seven statuses, with labels in the client's language; estimate and cost. */
    public function report(string $campaign): array
    {
        return $this->api->get(self::path("campaigns", $campaign, "report"));
    }

    /** What became of each recipient. */
    public function recipients(string $campaign): \Generator
    {
        return $this->api->pages(self::path("campaigns", $campaign, "recipients"));
    }
}

/** Single messages, ahead of all campaigns. */
final class Messages extends Part
{
    /** Send one. With a key of your own it goes once, whatever becomes of this process. @param array<string, mixed> $order */
    public function send(array $order, ?string $idempotencyKey = null): array
    {
        return $this->api->post("/v1/messages", $order, $idempotencyKey);
    }

    /** How far it is. */
    public function get(string $message): array
    {
        return $this->api->get(self::path("messages", $message));
    }
}

/** People. */
final class Contacts extends Part
{
    /** Put up to 1,000 people in place of what is known of them: all, or none. @param list<array<string, mixed>> $contacts */
    public function upsert(array $contacts): array
    {
        return $this->api->post("/v1/contacts", ["contacts" => $contacts]);
    }

    /** Everybody. */
    public function list(): \Generator
    {
        return $this->api->pages("/v1/contacts");
    }

    /** Those whom a filter means; an empty one means everybody. @param array<string, mixed> $filter */
    public function search(array $filter): \Generator
    {
        $cursor = [];
        do {
            $page = $this->page($filter, ["limit" => PAGE, ...$cursor]);
            foreach ($page["data"] as $row) {
                yield $row;
            }
            $cursor = ["cursor" => $page["next_cursor"] ?? null];
        } while ($cursor["cursor"] !== null);
    }

    /** How many a filter means. @param array<string, mixed> $filter */
    public function count(array $filter): int
    {
        return $this->page($filter, ["limit" => 1])["total"];
    }

    /** One of them. */
    public function get(string $contact): array
    {
        return $this->api->get(self::path("contacts", $contact));
    }

    /** Forget one. */
    public function delete(string $contact): void
    {
        $this->api->send("DELETE", self::path("contacts", $contact));
    }

    private function page(array $filter, array $wishes): array
    {
        // An empty array would be a list.
        return $this->api->post("/v1/contacts/search", ["filter" => $filter ?: new \stdClass(), ...$wishes]);
    }
}

/** Files of contacts, CSV or XLSX. */
final class Imports extends Part
{
    /** Begin to take one in; `get` says how far it is. The same file again changes nothing. */
    public function start(string $file, ?string $columns = null, ?string $list = null): array
    {
        return $this->import($file, ["columns" => $columns, "list" => $list]);
    }

    /** How a file is understood; nothing is changed. */
    public function preview(string $file, ?string $columns = null): array
    {
        return $this->import($file, ["columns" => $columns, "dry_run" => "true"]);
    }

    /** How far an import is. */
    public function get(string $id): array
    {
        return $this->api->get(self::path("imports", $id));
    }

    /** The rows that were not taken, as a CSV that can be mended and sent again. */
    public function errors(string $id): string
    {
        return $this->api->send("GET", self::path("imports", $id, "errors"));
    }

    /** An import when it has ended. */
    public function wait(string $id, float $pause = 0.5): array
    {
        while (($found = $this->get($id))["state"] === "running") {
            $this->api->sleep($pause);
        }
        return $found;
    }

    private function import(string $file, array $query): array
    {
        $text = $this->api->send("POST", "/v1/imports", $query, $file, "text/csv");
        return json_decode($text, true, flags: JSON_THROW_ON_ERROR);
    }
}

/** People who are kept together. */
final class Lists extends Part
{
    /** Make one. */
    public function create(string $name): array
    {
        return $this->api->post("/v1/lists", ["name" => $name]);
    }

    /** All of them. */
    public function list(): array
    {
        return $this->api->get("/v1/lists")["data"];
    }

    /** Put contacts on it, and take others off. @param list<string> $add @param list<string> $remove */
    public function change(string $id, array $add = [], array $remove = []): array
    {
        return $this->api->post(self::path("lists", $id, "members"), array_filter(["add" => $add, "remove" => $remove]));
    }

    /** Forget the list; its people stay. */
    public function delete(string $id): void
    {
        $this->api->send("DELETE", self::path("lists", $id));
    }
}

/** URLs that are told of what happens. */
final class Webhooks extends Part
{
    /** Have a URL told; its `secret` is in this answer alone. @param list<string> $events */
    public function create(string $url, array $events, string $description = ""): array
    {
        return $this->api->post("/v1/webhooks", ["url" => $url, "events" => $events, "description" => $description]);
    }

    /** All of them. */
    public function list(): array
    {
        return $this->api->get("/v1/webhooks")["data"];
    }

    /** What was told, with each attempt. */
    public function deliveries(string $webhook): \Generator
    {
        return $this->api->pages(self::path("webhooks", $webhook, "deliveries"));
    }

    /** A new secret; both sign for a while. */
    public function rotate(string $webhook): array
    {
        return $this->api->post(self::path("webhooks", $webhook, "rotate"));
    }

    /** Tell it no more. */
    public function delete(string $webhook): void
    {
        $this->api->send("DELETE", self::path("webhooks", $webhook));
    }
}

/**
 * The event in what came to a webhook, if it is signed with its secret (Standard Webhooks); else throws NotOurs. An event may come
 * twice, under the same `webhook-id`.
 *
 * @param string $body its octets as they came
 * @param array<string, string> $headers in any case
 */
function verify(string $secret, string $body, array $headers, int $tolerance = TOLERANCE, ?int $now = null): array
{
    $given = array_change_key_case($headers);
    [$id, $at, $signatures] = array_map(fn(string $name): string => $given["webhook-$name"] ?? "", ["id", "timestamp", "signature"]);
    if ($id === "" || $signatures === "" || !ctype_digit($at)) {
        throw new NotOurs("webhook-id, webhook-timestamp and webhook-signature are wanted");
    }
    if (abs(($now ?? time()) - (int) $at) > $tolerance) {
        throw new NotOurs("it was sent at $at, which is too far from now");
    }
    $bare = str_starts_with($secret, SECRET_PREFIX) ? substr($secret, strlen(SECRET_PREFIX)) : $secret;
    $octets = base64_decode($bare, true);
    if ($octets === false || $octets === "") {
        throw new \InvalidArgumentException("a secret is " . SECRET_PREFIX . " and base64");
    }
    $expected = "v1," . base64_encode(hash_hmac("sha256", "$id.$at.$body", $octets, true));
    foreach (explode(" ", $signatures) as $signature) {
        if (hash_equals($expected, $signature)) {
            return json_decode($body, true, flags: JSON_THROW_ON_ERROR);
        }
    }
    throw new NotOurs("no signature is of this secret");
}

/** The single events of a delivery: those of a `message.batch`, or itself. */
function events(array $delivery): array
{
    return $delivery["type"] === "message.batch" ? $delivery["data"]["events"] : [$delivery];
}
