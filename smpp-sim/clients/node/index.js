// Starts the program smpp-sim on free ports, waits until it is ready, and asks it what it saw. Nothing but Node is needed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

// Until it is ready, and until it has ended: it needs milliseconds, a loaded machine more.
const READY_WITHIN_MS = 10_000;
const ENDS_WITHIN_MS = 10_000;

// How long its clients may take to answer its unbind: those that live take milliseconds, those that a test left behind never do.
const UNBINDS_WITHIN_MS = 500;

// How many of its last lines an error repeats.
const LINES_KEPT = 20;

export class SmppSim {
  #child;
  #errors = [];

  /** Starts it: `scenario` is the name of one that is built in, or the path of a TOML file. */
  static async start({ scenario = 'healthy', seed, timeScale, args = [] } = {}) {
    const simulator = new SmppSim();
    try {
      await simulator.#begin([
        '--quiet', '--listen', '127.0.0.1:0', '--http', '127.0.0.1:0', '--scenario', scenario,
        ...(seed === undefined ? [] : ['--seed', String(seed)]),
        ...(timeScale === undefined ? [] : ['--time-scale', String(timeScale)]),
        ...args,
      ]);
    } catch (error) {
      await simulator.stop();
      throw error;
    }
    return simulator;
  }

  async #begin(args) {
    const program = process.env.SMPP_SIM || 'smpp-sim';
    this.#child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    // A test that fails in the middle leaves no simulator behind.
    const kill = () => this.#child.kill('SIGTERM');
    process.once('exit', kill);
    this.#child.once('exit', () => process.off('exit', kill));
    createInterface({ input: this.#child.stderr }).on('line', (line) => {
      this.#errors = [...this.#errors, line].slice(-LINES_KEPT);
    });
    this.ready = JSON.parse(await this.#firstLine(program));
    const at = this.ready.smpp.lastIndexOf(':');
    this.host = this.ready.smpp.slice(0, at);
    this.port = Number(this.ready.smpp.slice(at + 1));
    this.url = `http://${this.ready.http}`;
  }

  #firstLine(program) {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error(`smpp-sim was not ready within ${READY_WITHIN_MS} ms`)), READY_WITHIN_MS);
      const end = (settle, value) => {
        clearTimeout(limit);
        settle(value);
      };
      createInterface({ input: this.#child.stdout }).once('line', (line) => end(resolve, line));
      this.#child.once('error', (error) => {
        const allowed = 'smpp-sim has to be in the path, or SMPP_SIM to say where it is';
        end(reject, new Error(`${program} cannot be started (${error.code}): ${allowed}`));
      });
      this.#child.once('close', (code) => {
        end(reject, new Error([`smpp-sim ended with exit code ${code}:`, ...this.#errors].join('\n')));
      });
    });
  }

  /**
   * Ends it: its sessions are unbound, its ports closed. A client that has not answered the unbind within half a second is not
   * waited for. A second call does nothing.
   */
  async stop() {
    const child = this.#child;
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    // The second signal ends the wait for answers.
    const hurry = setTimeout(() => child.kill('SIGTERM'), UNBINDS_WITHIN_MS);
    const limit = setTimeout(() => child.kill('SIGKILL'), UNBINDS_WITHIN_MS + ENDS_WITHIN_MS);
    await ended;
    clearTimeout(hurry);
    clearTimeout(limit);
  }

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    await this.stop();
  }

  /** Waits until every counter has reached its number, as in `wait({ receipts_acked: 1 })`; the totals then. */
  async wait(counters, { timeout = 10_000 } = {}) {
    if (Object.keys(counters ?? {}).length === 0) throw new TypeError('wait: name at least one counter, as in { receipts_acked: 1 }');
    return this.ask('/wait', { question: { ...counters, timeout: `${timeout}ms` } });
  }

  /** Every counter of the ledger. */
  async totals() {
    return this.ask('/ledger/totals');
  }

  /** Messages with their segments together, oldest first; `wanted` as in `GET /messages`. */
  async messages(wanted = {}) {
    return (await this.ask('/messages', { question: wanted })).data;
  }

  /** A person writes to a client that is bound; the order is that of `POST /inbound`. */
  async inbound(order) {
    await this.ask('/inbound', { body: JSON.stringify(order) });
  }

  /** Another scenario from now on: the name of one that is built in. Ledger, sessions and ports stay. */
  async switch(scenario) {
    await this.ask('/scenario', { question: { name: scenario }, body: '' });
  }

  /** Empties the ledger and forgets recipients and what was still to be sent. */
  async reset() {
    await this.ask('/reset', { body: '' });
  }

  /** Any request of its HTTP interface, a POST if there is a body; what the answer's JSON says. */
  async ask(path, { question = {}, body } = {}) {
    const query = new URLSearchParams(Object.entries(question).map(([key, value]) => [key, String(value)])).toString();
    const asked = query ? `${path}?${query}` : path;
    const answer = await fetch(this.url + asked, body === undefined ? {} : { method: 'POST', body });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${asked}: ${answer.status}: ${text}`);
    return JSON.parse(text);
  }
}
