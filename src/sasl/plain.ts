/** SASL PLAIN (RFC 4616): the password itself, only where TLS protects it. */

import type { Attempt } from '../auth/attempts.ts'
import type { Authentication } from '../auth/dispatch.ts'
import { preparePassword } from '../auth/scram-secret.ts'
import type { BareJid } from '../xmpp/jid.ts'
import type { Mechanism, SaslContext, SaslStep } from './mechanism.ts'
import { namedUser } from './named-user.ts'
import { oneResponse } from './one-response.ts'
import { throttled, told } from './password-failure.ts'
import { decodeText } from './payload.ts'

export const plain = {
  name: 'PLAIN',
  key: 'plain',
  yields: 'password',

  offered: ({ secure, backends }) => secure && backends.accepts('password'),

  begin: context => oneResponse(response => decide(context, response)),
} as const satisfies Mechanism

function decide(context: SaslContext, response: Uint8Array): SaslStep | Promise<SaslStep> {
  const { secure, backends, domain, attempts, remoteAddress } = context
  if (!secure) return told('encryption-required', 'A password is told only over TLS.')
  if (!backends.accepts('password')) return told('invalid-mechanism', 'Nobody here judges passwords in this way.')
  const text = decodeText(response)
  // RFC 4616 §2: message = [authzid] UTF8NUL authcid UTF8NUL passwd
  const [authzid, username, given, ...rest] = text?.split('\0') ?? []
  if (authzid === undefined || username === undefined || given === undefined || rest.length > 0) {
    return told('malformed-request', 'PLAIN is three parts in UTF-8 with NUL between them.')
  }
  if (username === '' || given === '') return told('malformed-request', 'PLAIN has a user name and a password.')
  const named = namedUser(username, authzid, domain)
  if (!named.ok) return told(named.condition, named.reason)
  const { user } = named
  // RFC 8265 §4.2. What can be no password is nobody's: this says nothing of accounts.
  const password = preparePassword(given)
  if (password === null) return { kind: 'failure', condition: 'not-authorized', reason: 'what was given can be no password' }
  const attempt = attempts.begin(user, remoteAddress)
  if (attempt === null) return throttled
  const conclude = (authentication: Authentication) => concluded(context, user, attempt, authentication)
  const authentication = backends.verify({ kind: 'password', user, password }, domain)
  return authentication instanceof Promise ? authentication.then(conclude) : conclude(authentication)
}

function concluded({ domain }: SaslContext, user: BareJid, attempt: Attempt, authentication: Authentication): SaslStep {
  if (authentication.ok) {
    attempt.succeeded()
    const principal = { account: user, domain, mechanism: plain.name, certificate: null }
    return { kind: 'success', principal, backend: authentication.backend, data: null }
  }
  const { condition, reason, isKnown = false } = authentication
  if (condition === 'temporary-auth-failure') attempt.abandoned()
  else attempt.failed(isKnown ? user : null)
  // What a backend says stays in the log: it may tell whether an account exists.
  return { kind: 'failure', condition, reason, ...isKnown ? { account: user } : {} }
}
