/** A window, a clock to turn, and what came of it in words. */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { BoshWindow, type WindowAction, type WindowLimits, type WindowResponse } from '../../src/transport/bosh-window.ts'

export const usualLimits: WindowLimits = {
  requests: 2, hold: 1, wait: 60_000, inactivity: 30_000, maxPause: 120_000, polling: 5_000, maxDeferredBytes: 1_000, maxResponseBytes: 100, acks: false,
}
export const pollingLimits: Partial<WindowLimits> = { hold: 0, wait: 0, inactivity: 60_000 }

export interface Said {
  /** A stanza; none is an empty request. */
  readonly stanza?: string
  readonly size?: number
  readonly terminates?: boolean
  readonly pause?: number
  readonly ack?: number
  readonly key?: string
  readonly newkey?: string
}

/** Stands in for SHA-1 (XEP-0124 §15.2): what matters is that the key of a request leads to the one before. */
export const hashed = (key: string): string => `sha1(${key})`

export class WindowRig {
  now = 1_000_000
  readonly window: BoshWindow<string, string>
  readonly delivered: string[] = []
  /** What each connection got, in words. */
  readonly answers = new Map<string, string>()
  /** Connections in the order in which they were answered. */
  readonly order: string[] = []
  readonly ends: string[] = []
  readonly #endsWhenTold: boolean

  /** The session request has rid 100. Unless `endsWhenTold` is false, a session that its client terminates is ended, as the stream above does it. */
  constructor(limits: Partial<WindowLimits> = {}, endsWhenTold = true) {
    this.window = new BoshWindow(100, { ...usualLimits, ...limits }, this.now)
    this.#endsWhenTold = endsWhenTold
  }

  /** With the session request behind it. */
  static created(limits: Partial<WindowLimits> = {}, said: Said = {}): WindowRig {
    const rig = new WindowRig(limits)
    rig.send('creation', 100, { stanza: 'open', ...said })
    rig.delivered.length = 0
    rig.order.length = 0
    return rig
  }

  /** A request by this connection; what it is answered, if it is answered at once. */
  send(connection: string, rid: number, said: Said = {}): string | undefined {
    const { stanza, size = 10, terminates = false, pause = null, ack = null, key, newkey } = said
    const request = {
      rid, payload: stanza ?? '', isEmpty: stanza === undefined, size, terminates, pause, ack,
      keyHash: key === undefined ? null : hashed(key), nextKey: newkey ?? key ?? null,
    }
    this.#carryOut(this.window.take(request, connection, this.now))
    this.settle()
    return this.answers.get(connection)
  }

  /** For the client, within one turn. */
  stanzas(...stanzas: readonly string[]): void {
    for (const stanza of stanzas) this.window.enqueue(Buffer.from(stanza))
    this.settle()
  }

  lose(connection: string): void {
    this.window.connectionLost(connection)
    this.settle()
  }

  end(condition: Parameters<BoshWindow<string, string>['end']>[0], ...stanzas: readonly string[]): void {
    this.#carryOut(this.window.end(condition, stanzas.map(stanza => Buffer.from(stanza)), this.now))
    this.settle()
  }

  /** Lets time pass, with a look at every deadline on the way. */
  turn(milliseconds: number): void {
    const until = this.now + milliseconds
    for (let deadline = this.window.deadline(); deadline !== null && deadline <= until; deadline = this.window.deadline()) {
      this.now = Math.max(this.now, deadline)
      this.settle()
    }
    this.now = until
    this.settle()
  }

  settle(): void {
    this.#carryOut(this.window.settle(this.now))
    assert.ok((this.window.deadline() ?? Infinity) > this.now, 'what is due is done')
  }

  #carryOut(actions: readonly WindowAction<string, string>[]): void {
    for (const action of actions) {
      if (action.kind === 'deliver') {
        this.delivered.push(action.payload)
        // As the stream above does it: within the same turn.
        if (action.payload === 'open') this.window.enqueue(Buffer.from('features'))
      } else if (action.kind === 'respond') {
        this.answers.set(action.exchange, inWords(action.response))
        this.order.push(action.exchange)
      } else {
        this.ends.push(action.kind === 'broken' ? `broken: ${action.condition}` : action.kind)
        if (action.kind === 'terminated' && this.#endsWhenTold) this.end(null)
      }
    }
  }
}

export function inWords({ kind, condition, isCreation, ack, report, payloads }: WindowResponse): string {
  return [
    isCreation ? 'created' : '', kind === 'normal' ? '' : kind, condition ?? '', ack === null ? '' : `ack ${ack}`,
    report === null ? '' : `report ${report.rid} time ${report.time}`, ...payloads.map(payload => Buffer.from(payload).toString()),
  ].filter(word => word !== '').join(' ') || 'empty'
}
