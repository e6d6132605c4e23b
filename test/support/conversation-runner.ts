/**
 * Runs a conversation against a gateway. Nothing sleeps: "receives nothing" means that every client's ping has come back, so
 * that the server has dealt with all that was sent before, and that nothing else had arrived. At the end of a
 * script this is asked of everybody, so that a stanza nobody expected fails the script.
 */
import assert from 'node:assert/strict'
import type { Element } from '../../src/xml/element.ts'
import { NS_ROSTER } from '../../src/embedded/roster/roster.ts'
import { parse } from '../../src/xml/parse.ts'
import { escapeValue } from '../../src/xml/write.ts'
import { bareOf, type FullJid, resourcepartOf } from '../../src/xmpp/jid.ts'
import { NS_BIND, NS_CLIENT, NS_SASL, NS_SM, NS_STREAMS } from '../../src/xmpp/namespaces.ts'
import type { Actor, Script, Step } from './conversation.ts'
import type { ClientAdapter, ConversationClient } from './conversation-client.ts'
import { difference, fillIn, show, type Variables } from './conversation-match.ts'
import { Gateway } from './gateway.ts'

export const defaultHost = 'localhost'

/** The accounts of a script: each has one host, the first that it logs in to. */
export function usersOf({ steps }: Script): readonly string[] {
  const hosts = new Map<string, string>()
  for (const step of steps) {
    const host = step.does === 'connect' || step.does === 'log in' ? step.host ?? defaultHost : null
    if (host !== null && !hosts.has(step.actor.user)) hosts.set(step.actor.user, host)
  }
  for (const { actor } of steps) if (!hosts.has(actor.user)) hosts.set(actor.user, defaultHost)
  return [...hosts].map(([user, host]) => `${user}@${host}`)
}

/** A gateway on which the script, or all scripts without a configuration of their own, can run. */
export function startGateway(adapter: ClientAdapter, users: readonly string[], configuration = ''): Promise<Gateway> {
  const hosts = configuration.includes('general.hosts') ? '' : `general.hosts = ["${defaultHost}"]\n`
  return Gateway.start({ users, toml: `${configuration}\n${hosts}${adapter.listener}` })
}

interface Participant {
  readonly client: ConversationClient
  /** The stream features of the last time that there were any. */
  offers: readonly Element[]
  /** Arrived while something else was waited for. */
  readonly arrived: (Element | null)[]
  isBound: boolean
  /** XEP-0198: requests for an acknowledgement that no sentence has spoken of. When they come is the server's business. */
  asked: number
}

export class Conversation {
  readonly #adapter: ClientAdapter
  readonly #gateway: Gateway
  readonly #participants = new Map<string, Participant>()
  readonly #variables: Variables = new Map([['host', defaultHost]])
  #pings = 0

  constructor(adapter: ClientAdapter, gateway: Gateway) {
    this.#adapter = adapter
    this.#gateway = gateway
  }

  async run({ steps }: Script): Promise<void> {
    try {
      for (const step of steps) {
        try {
          await this.#take(step)
        } catch (cause) {
          throw new Error(`line ${step.line}, "${step.sentence}": ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
        }
      }
      await this.#assertNothingLeft([...this.#participants.keys()])
      for (const { client } of this.#participants.values()) await client.close()
    } finally {
      for (const { client } of this.#participants.values()) client.break()
    }
    await this.#assertAllGone()
  }

  async #take(step: Step): Promise<void> {
    const { actor } = step
    switch (step.does) {
      case 'connect': {
        const host = step.host ?? defaultHost
        await this.#logIn(actor, host)
        await this.#bind(actor, step.resource)
        return
      }
      case 'log in':
        await this.#logIn(actor, step.host ?? defaultHost)
        return
      case 'open':
        await this.#enter(actor)
        this.#of(actor).client.open(step.host ?? defaultHost)
        return
      case 'become available':
        await this.#becomeAvailable(actor, step.priority)
        return
      case 'befriend':
        await this.#befriend(actor, step.other)
        return
      case 'send':
        for (const xml of step.elements) this.#of(actor).client.send(this.#standAlone(xml))
        return
      case 'receive':
        await this.#receive(actor, step.elements.flatMap(xml => this.#expected(xml)), step.inAnyOrder)
        return
      case 'be offered':
        this.#assertOffered(actor, step.elements.flatMap(xml => this.#expected(xml)))
        return
      case 'be offered no':
        assert.deepEqual(this.#of(actor).offers.filter(({ ns }) => ns === step.ns).map(offer => show(offer)), [])
        return
      case 'receive nothing':
        await this.#assertNothingLeft([actor.name])
        return
      case 'receive a stream error':
        await this.#receiveStreamError(actor, step.condition)
        return
      case 'be asked':
        await this.#beAsked(this.#of(actor))
        return
      case 'disconnect':
        await this.#leave(actor).client.close()
        return
      case 'break':
        this.#leave(actor).client.break()
    }
  }

  // Coming and going.

  async #enter(actor: Actor): Promise<Participant> {
    assert.ok(!this.#participants.has(actor.name), `${actor.name} is connected already`)
    const client = await this.#adapter.connect(this.#gateway, await this.#gateway.identity(actor.user))
    const participant: Participant = { client, offers: [], arrived: [], isBound: false, asked: 0 }
    this.#participants.set(actor.name, participant)
    return participant
  }

  async #logIn(actor: Actor, host: string): Promise<void> {
    const { client } = await this.#enter(actor)
    client.open(host)
    await this.#featuresOf(actor)
    client.send(`<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'>=</auth>`)
    const answer = await this.#next(actor)
    assert.equal(answer.local, 'success', `authentication: ${show(answer)}`)
    this.#variables.set(variableOf(actor), `${actor.user}@${host}`)
    client.restart(host)
    await this.#featuresOf(actor)
  }

  async #featuresOf(actor: Actor): Promise<void> {
    const answer = await this.#next(actor)
    assert.equal(answer.local, 'features', `stream features were expected, but this came: ${show(answer)}`)
    this.#of(actor).offers = answer.children
  }

  async #bind(actor: Actor, resource: string | null): Promise<void> {
    const wanted = resource === null ? '' : `<resource>${escapeValue(resource)}</resource>`
    this.#of(actor).client.send(`<iq xmlns='${NS_CLIENT}' type='set' id='bind'><bind xmlns='${NS_BIND}'>${wanted}</bind></iq>`)
    const answer = await this.#next(actor)
    assert.ok(this.#of(actor).isBound, `the bind was refused: ${show(answer)}`)
  }

  #leave(actor: Actor): Participant {
    const participant = this.#of(actor)
    this.#participants.delete(actor.name)
    return participant
  }

  /** Sessions of connections that broke end a moment later: the next script must not meet them. */
  async #assertAllGone(): Promise<void> {
    const deadline = Date.now() + 10_000
    while (this.#gateway.app.sessionCount > 0) {
      assert.ok(Date.now() < deadline, 'a session outlived its client')
      await new Promise(resolve => { setImmediate(resolve) })
    }
  }

  // Saying and hearing.

  #of(actor: Actor): Participant {
    const participant = this.#participants.get(actor.name)
    assert.ok(participant !== undefined, `${actor.name} is not connected`)
    return participant
  }

  /** RFC 7395 §3.3.3 wants the namespace declared, which would be tedious to read in every line of a script. */
  #standAlone(xml: string): string {
    const filled = xml.replace(/\$\{[^}]*\}/g, variable => escapeValue(fillIn(variable, this.#variables)))
    return /^<[^>]*\sxmlns=/.test(filled) ? filled : filled.replace(/^<[\w:.-]+/, name => `${name} xmlns='${NS_CLIENT}'`)
  }

  #expected(xml: string): readonly Element[] {
    return parse(Buffer.from(`<script xmlns='${NS_CLIENT}' xmlns:stream='${NS_STREAMS}'>${xml}</script>`)).children
  }

  async #receive(actor: Actor, expected: readonly Element[], inAnyOrder: boolean): Promise<void> {
    const awaited = [...expected]
    while (awaited.length > 0) {
      const actual = await this.#next(actor)
      const differences = (inAnyOrder ? awaited : awaited.slice(0, 1)).map(element => difference(element, actual, this.#variables))
      const index = differences.indexOf(null)
      assert.ok(index >= 0, `${differences.join('; ')}\n  what came: ${show(actual)}`)
      awaited.splice(index, 1)
    }
  }

  /** Each is among the stream features, whatever else is there. */
  #assertOffered(actor: Actor, expected: readonly Element[]): void {
    const { offers } = this.#of(actor)
    for (const element of expected) {
      const differences = offers.map(offer => difference(element, offer, this.#variables))
      assert.ok(differences.includes(null), `${show(element)} is not among what was offered: ${offers.map(offer => show(offer)).join('')}`)
    }
  }

  async #receiveStreamError(actor: Actor, condition: string): Promise<void> {
    const error = await this.#next(actor)
    assert.ok(error.local === 'error' && error.ns === NS_STREAMS, `this came instead: ${show(error)}`)
    assert.equal(error.children[0]?.local, condition)
    // RFC 6120 §4.9.1.1: it is the last thing that is said.
    const after = await this.#nextOrEnd(this.#of(actor))
    assert.equal(after, null, 'the stream went on after an error')
    this.#leave(actor)
  }

  async #next(actor: Actor): Promise<Element> {
    const participant = this.#of(actor)
    const element = await this.#nextOrEnd(participant)
    assert.ok(element !== null, 'the stream ended')
    // XEP-0198 §5: what was bound is bound again.
    if (element.ns === NS_SM && element.local === 'resumed') participant.isBound = true
    const jid = boundJid(element)
    if (jid !== null) {
      participant.isBound = true
      this.#variables.set(variableOf(actor), bareOf(jid))
      this.#variables.set(`${variableOf(actor)}.jid`, jid)
      this.#variables.set(`${variableOf(actor)}.resource`, resourcepartOf(jid) ?? '')
    }
    return element
  }

  async #nextOrEnd(participant: Participant): Promise<Element | null> {
    const waiting = participant.arrived.shift()
    return waiting === undefined ? this.#hear(participant) : waiting
  }

  /** What comes next, requests for an acknowledgement aside. */
  async #hear(participant: Participant): Promise<Element | null> {
    for (;;) {
      const element = await participant.client.next()
      if (element?.ns !== NS_SM || element.local !== 'r') return element
      participant.asked += 1
    }
  }

  async #beAsked(participant: Participant): Promise<void> {
    while (participant.asked === 0) {
      const element = await participant.client.next()
      assert.ok(element !== null, 'the stream ended')
      if (element.ns === NS_SM && element.local === 'r') participant.asked += 1
      else participant.arrived.push(element)
    }
    participant.asked -= 1
  }

  /** Its account's clients are told (RFC 6121 §4.2.2), which the scripts about presence look at; here it is heard and dropped. */
  async #becomeAvailable(actor: Actor, priority: string | null): Promise<void> {
    const content = priority === null ? '' : `<priority>${priority}</priority>`
    await this.#say(actor, `<presence xmlns='${NS_CLIENT}'>${content}</presence>`)
    await this.#drop(element => element.local === 'presence')
  }

  /** Each subscribes to the other's presence and approves (RFC 6121 §3.1); here it is heard and dropped. */
  async #befriend(one: Actor, other: Actor): Promise<void> {
    for (const [asking, asked] of [[one, other], [other, one]] as const) {
      for (const [speaker, type, to] of [[asking, 'subscribe', asked], [asked, 'subscribed', asking]] as const) {
        await this.#say(speaker, `<presence xmlns='${NS_CLIENT}' type='${type}' to='${fillIn(`\${${variableOf(to)}}`, this.#variables)}'/>`)
      }
    }
    await this.#drop(({ local, children: [payload] }) => local === 'presence' || payload?.ns === NS_ROSTER)
  }

  /** Returns when the server has dealt with it. */
  async #say(actor: Actor, xml: string): Promise<void> {
    this.#of(actor).client.send(xml)
    await this.#ping(this.#of(actor))
  }

  /** What has come by now, of anybody's. */
  async #drop(isMeant: (element: Element) => boolean): Promise<void> {
    for (const participant of this.#participants.values()) {
      await this.#ping(participant)
      participant.arrived.splice(0, Infinity, ...participant.arrived.filter(element => element === null || !isMeant(element)))
    }
  }

  /** Returns when the server has dealt with all that this client sent; what arrives meanwhile is kept. */
  async #ping(participant: Participant): Promise<void> {
    const { arrived, client, isBound } = participant
    if (!isBound || arrived.includes(null)) return
    this.#pings += 1
    const id = `barrier-${this.#pings}`
    client.send(`<iq xmlns='${NS_CLIENT}' type='get' id='${id}'><ping xmlns='urn:xmpp:ping'/></iq>`)
    for (;;) {
      const element = await this.#hear(participant)
      if (element?.attributes.get('id') === id) return
      arrived.push(element)
      if (element === null) return
    }
  }

  async #assertNothingLeft(names: readonly string[]): Promise<void> {
    // Everybody first, since what any of them sent may still be under way; then those who are asked about.
    for (const participant of this.#participants.values()) await this.#ping(participant)
    for (const name of names) {
      const participant = this.#participants.get(name)
      assert.ok(participant !== undefined, `${name} is not connected`)
      await this.#ping(participant)
      const [left] = participant.arrived
      assert.equal(left, undefined, `${name} received what nobody expected: ${left ? show(left) : 'the end of the stream'}`)
    }
  }
}

/** "Romeo's phone" is `${romeo phone}`. */
const variableOf = ({ name }: Actor): string => name.toLowerCase().replace("'s", '')

function boundJid(element: Element): FullJid | null {
  const [bind] = element.children
  if (element.local !== 'iq' || element.attributes.get('type') !== 'result' || bind?.ns !== NS_BIND) return null
  return (bind.children[0]?.text ?? null) as FullJid | null
}
