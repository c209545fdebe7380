/** What the simulator says when it is ready: ports, scenario, seed, version, every SMSC. */
export interface Ready {
  ready: true;
  smpp: string;
  http: string;
  scenario: string;
  seed: number;
  time_scale: number;
  config_hash: string;
  version: string;
  smscs: { name: string; smpp: string; tls: string | null; seed: number }[];
}

/** Counters of `GET /ledger/totals`, and counts by status, stat, outcome and account. */
export interface Totals {
  [counter: string]: number | Record<string, number>;
}

/** One message of `GET /messages`. */
export interface Message {
  smsc: string;
  sequence: number;
  account: string;
  session: number;
  source: string;
  recipient: string;
  attempt: number;
  received_at_us: number;
  outcome: string;
  status: string | null;
  stat: string | null;
  data_coding: number;
  text: string | null;
  segments_total: number;
  segments: Record<string, string | number | null>[];
}

/** A person writes to a client: the body of `POST /inbound`. */
export interface InboundOrder {
  from: string;
  to: string;
  text: string;
  account?: string;
  smsc?: string;
  encoding?: 'auto' | 'gsm7' | 'latin1' | 'ucs2';
  segments?: 'udh' | 'sar' | 'payload';
  sessions?: 'one' | 'turns';
  udh?: string;
}

export interface Options {
  /** The name of a scenario that is built in, or the path of a TOML file; default `healthy`. */
  scenario?: string;
  seed?: number;
  /** Divides the scenario's delays. */
  timeScale?: number;
  /** Further arguments of `smpp-sim`. */
  args?: string[];
}

/** A simulator that runs, on free ports of 127.0.0.1. */
export class SmppSim implements AsyncDisposable {
  private constructor();
  /** Starts it, and waits until it is ready. */
  static start(options?: Options): Promise<SmppSim>;
  /** Where it takes binds. */
  readonly host: string;
  readonly port: number;
  /** Its page, and the root of its HTTP interface. */
  readonly url: string;
  readonly ready: Ready;
  /** Ends it: its sessions are unbound, its ports closed. A second call does nothing. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
  /** Waits until every counter has reached its number; rejects with the totals when the time (in ms) is up. */
  wait(counters: Record<string, number>, options?: { timeout?: number }): Promise<Totals>;
  /** Every counter of the ledger. */
  totals(): Promise<Totals>;
  /** Messages with their segments together, oldest first. */
  messages(wanted?: Record<string, string | number>): Promise<Message[]>;
  inbound(order: InboundOrder): Promise<void>;
  /** Another scenario from now on. Ledger, sessions and ports stay. */
  switch(scenario: string): Promise<void>;
  /** Empties the ledger and forgets recipients and what was still to be sent. */
  reset(): Promise<void>;
  /** Any request of its HTTP interface, a POST if there is a body. */
  ask(path: string, request?: { question?: Record<string, string | number>; body?: string }): Promise<unknown>;
}
