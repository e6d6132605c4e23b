/** SCRAM (RFC 5802, RFC 7677): a password is proved without being told, both ways, and with -PLUS bound to the TLS connection (§6). */

import type { ScramHash, ScramSecret } from '../auth/scram-secret.ts'
import type { BareJid } from '../xmpp/jid.ts'
import { availableTypes, bindingOfType } from './channel-binding.ts'
import type { Advertised, Mechanism, SaslContext, SaslExchange, SaslFailure, SaslStep } from './mechanism.ts'
import { namedUser } from './named-user.ts'
import { throttled, told } from './password-failure.ts'
import { downgradeHash, isProofOf, isUsable, sameBytes, serverSignature } from './scram-proof.ts'
import { type BindingFlag, readClientFinal, readClientFirst, ScramMessageError, writeServerFinal, writeServerFirst } from './scram-message.ts'

function scram<const Key extends string>(key: Key, name: string, hash: ScramHash, isPlus: boolean) {
  return {
    name, key, yields: 'scram',
    offered: ({ backends, channelBindings }) => backends.accepts('scram') && (!isPlus || availableTypes(channelBindings()).length > 0),
    begin: (context, advertised) => new ScramExchange({ name, hash, isPlus }, context, advertised),
  } as const satisfies Mechanism
}

/** The better one first. */
export const scramMechanisms = [
  scram('scram_sha512_plus', 'SCRAM-SHA-512-PLUS', 'sha512', true),
  scram('scram_sha512', 'SCRAM-SHA-512', 'sha512', false),
  scram('scram_sha256_plus', 'SCRAM-SHA-256-PLUS', 'sha256', true),
  scram('scram_sha256', 'SCRAM-SHA-256', 'sha256', false),
  scram('scram_sha1_plus', 'SCRAM-SHA-1-PLUS', 'sha1', true),
  scram('scram_sha1', 'SCRAM-SHA-1', 'sha1', false),
] as const

const withoutPlus = (name: string): string => name.replace(/-PLUS$/, '')

interface Variant { readonly name: string, readonly hash: ScramHash, readonly isPlus: boolean }

/** What the client's last message is held against. */
interface Proving {
  readonly name: 'proving'
  readonly user: BareJid
  readonly secret: ScramSecret
  /** False: there is no such account, and the secret is a decoy. */
  readonly isKnown: boolean
  readonly backend: string | null
  /** The mechanism that was spoken in fact. */
  readonly mechanism: string
  readonly nonce: string
  readonly channelBinding: Uint8Array
  /** client-first-message-bare "," server-first-message */
  readonly messages: string
}

type State = { readonly name: 'beginning' | 'asked' | 'looking' | 'over' } | Proving

class ScramExchange implements SaslExchange {
  readonly #variant: Variant
  readonly #context: SaslContext
  readonly #advertised: Advertised
  #state: State = { name: 'beginning' }

  constructor(variant: Variant, context: SaslContext, advertised: Advertised) {
    this.#variant = variant
    this.#context = context
    this.#advertised = advertised
  }

  step(response: Uint8Array | null): SaslStep | Promise<SaslStep> {
    const state = this.#state
    if (response === null && state.name === 'beginning') {
      // RFC 4422 §5.1: the client speaks first, so an empty challenge asks for it.
      this.#state = { name: 'asked' }
      return { kind: 'challenge', data: new Uint8Array(0) }
    }
    this.#state = { name: 'over' }
    try {
      switch (state.name) {
        case 'beginning': case 'asked': return this.#begin(response ?? new Uint8Array(0))
        case 'proving': return this.#prove(state, response ?? new Uint8Array(0))
        default: return told('malformed-request', 'a response that nobody asked for')
      }
    } catch (error) {
      if (error instanceof ScramMessageError) return told('malformed-request', error.message)
      throw error
    }
  }

  #begin(response: Uint8Array): SaslStep | Promise<SaslStep> {
    const { backends, domain, attempts, remoteAddress, newNonce } = this.#context
    const { hash } = this.#variant
    if (!backends.accepts('scram')) return told('invalid-mechanism', 'Nobody here judges passwords in this way.')
    const message = readClientFirst(response)
    const binding = this.#judgeBinding(message.flag)
    if ('kind' in binding) return binding
    const named = namedUser(message.username, message.authzid, domain)
    if (!named.ok) return told(named.condition, named.reason)
    const { user } = named
    const attempt = attempts.begin(user, remoteAddress)
    if (attempt === null) return throttled
    // Nothing is judged yet. What counts is the proof.
    attempt.abandoned()
    this.#state = { name: 'looking' }
    return backends.secretFor(user, hash, domain).then((lookup): SaslStep => {
      this.#state = { name: 'over' }
      if (!lookup.ok) return { kind: 'failure', condition: lookup.condition, reason: lookup.reason }
      const found = lookup.secret !== null && isUsable(hash, lookup.secret) ? lookup.secret : null
      // Made in any case: with and without an account the same is done.
      const decoy = this.#context.decoys.scramSecret(user, hash, lookup.iterations ?? undefined)
      const secret = found ?? decoy
      const nonce = message.nonce + newNonce()
      const serverFirst = writeServerFirst({ nonce, ...secret, downgradeHash: this.#advertised.mechanisms.length === 0 ? null : downgradeHash(hash, this.#advertised) })
      this.#state = {
        name: 'proving', user, secret, isKnown: found !== null, backend: lookup.backend, nonce,
        mechanism: message.flag.kind === 'p' ? this.#variant.name : withoutPlus(this.#variant.name),
        channelBinding: Buffer.concat([Buffer.from(message.gs2Header), binding.data]),
        messages: `${message.bare},${serverFirst}`,
      }
      return { kind: 'challenge', data: Buffer.from(serverFirst) }
    })
  }

  #prove(state: Proving, response: Uint8Array): SaslStep {
    const { attempts, remoteAddress, domain } = this.#context
    const { hash, name } = this.#variant
    const { user, secret, isKnown, backend, mechanism, nonce, channelBinding, messages } = state
    const message = readClientFinal(response)
    if (message.nonce !== nonce) return told('not-authorized', 'The nonce is not the one of this exchange.')
    if (!sameBytes(message.channelBinding, channelBinding)) {
      return told('not-authorized', 'The channel binding is not the one of this connection: somebody may stand in between.')
    }
    const attempt = attempts.begin(user, remoteAddress)
    if (attempt === null) return { ...throttled, ...isKnown ? { account: user } : {} }
    const authMessage = `${messages},${message.withoutProof}`
    const isProved = isProofOf(hash, secret, authMessage, message.proof)
    if (isProved && isKnown) {
      attempt.succeeded()
      const principal = { account: user, domain, mechanism, certificate: null }
      return { kind: 'success', principal, backend, data: Buffer.from(writeServerFinal(serverSignature(hash, secret, authMessage))) }
    }
    attempt.failed(isKnown ? user : null)
    // One answer for both; the log may know more.
    return isKnown
      ? { kind: 'failure', condition: 'not-authorized', reason: 'wrong password', account: user }
      : { kind: 'failure', condition: 'not-authorized', reason: `no such account, or nothing kept of its password for ${name}` }
  }

  /** §6. The data that the client's `c=` has to end with. */
  #judgeBinding(flag: BindingFlag): { readonly data: Uint8Array } | SaslFailure {
    const { isPlus, name } = this.#variant
    switch (flag.kind) {
      case 'n':
        // §6 wants a binding with -PLUS. Clients in the field (stanza) take -PLUS and have nothing to bind with: where the same mechanism
        // is offered without -PLUS, that is the one which they speak, and no less is proved.
        return isPlus && !this.#advertised.mechanisms.includes(withoutPlus(name))
          ? told('malformed-request', `${name} needs a channel binding.`) : { data: new Uint8Array(0) }
      case 'y':
        if (isPlus) return told('malformed-request', `${name} needs a channel binding.`)
        // The client saw no -PLUS where one was offered: somebody took it away.
        return this.#advertised.mechanisms.some(mechanism => mechanism.endsWith('-PLUS'))
          ? told('not-authorized', 'The client believes that there is no channel binding here, and there is: somebody in between may have changed what was offered.')
          : { data: new Uint8Array(0) }
      case 'p': {
        if (!isPlus) return told('malformed-request', `${name} has no channel binding.`)
        const data = bindingOfType(this.#context.channelBindings(), flag.type)
        return data === null ? told('not-authorized', 'That type of channel binding does not exist on this connection.') : { data }
      }
    }
  }
}
