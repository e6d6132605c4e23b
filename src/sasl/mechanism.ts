/** What a SASL mechanism is to the stream (RFC 6120 §6, RFC 4422). A mechanism is a stateless value; begin() returns the exchange. */

import type { CommonNameAffixes, ExternalMode } from '../auth/certificate-mapping.ts'
import type { CredentialKind, Principal } from '../auth/credentials.ts'
import type { Attempts } from '../auth/attempts.ts'
import type { Decoys } from '../auth/decoy.ts'
import type { BackendDispatch } from '../auth/dispatch.ts'
import type { CertificateVerdict } from '../x509/verdict.ts'
import type { BareJid, Domainpart } from '../xmpp/jid.ts'
import type { ChannelBindings, ChannelBindingType } from './channel-binding.ts'

/** RFC 6120 §6.5. */
export const saslConditions = ['aborted', 'account-disabled', 'credentials-expired', 'encryption-required',
  'incorrect-encoding', 'invalid-authzid', 'invalid-mechanism', 'malformed-request', 'mechanism-too-weak',
  'not-authorized', 'temporary-auth-failure'] as const
export type SaslCondition = (typeof saslConditions)[number]

export interface SaslFailure {
  readonly kind: 'failure'
  readonly condition: SaslCondition
  /** Words for the log: never a secret, never the payload. */
  readonly reason: string
  /** Words for the person at the other end (`<text/>`), where they give away nothing but what the client showed. */
  readonly text?: string
  /** For the log, and only where the account exists: a name that nobody has may be a password, typed into the wrong field. */
  readonly account?: BareJid
}

export type SaslStep =
  | { readonly kind: 'challenge', readonly data: Uint8Array }
  /** `backend`: who said yes. `data`: additional data with success (RFC 6120 §6.4.6), null for none. */
  | { readonly kind: 'success', readonly principal: Principal, readonly backend: string | null, readonly data: Uint8Array | null }
  | SaslFailure

/** What the connection shows of the one who wants to log in. */
export interface SaslPeer {
  readonly remoteAddress: string
  /** TLS protects the way from the client to us (or to a proxy that we trust). */
  readonly secure: boolean
  /** Makes the verdict again at every call: a connection can be days old. */
  readonly certificate: () => CertificateVerdict
  /** Of the TLS connection that the client itself made with us; none where TLS ends elsewhere. */
  readonly channelBindings: () => ChannelBindings
}

export interface SaslContext extends SaslPeer {
  /** The host that the stream was opened to. */
  readonly domain: Domainpart
  /** `auth.sasl_external` and `auth.sasl_external_common_name`. */
  readonly external: { readonly modes: readonly ExternalMode[], readonly commonName: CommonNameAffixes }
  readonly backends: Pick<BackendDispatch, 'accepts' | 'verify' | 'secretFor'>
  readonly attempts: Pick<Attempts, 'begin'>
  readonly decoys: Pick<Decoys, 'scramSecret'>
  /** 144 random bits at least, printable and without a comma: the server's part of a nonce (RFC 5802 §5.1). */
  readonly newNonce: () => string
}

/** What the features of this stream offered: a client's proof can cover it, so that nobody in between takes anything away (XEP-0474). */
export interface Advertised {
  readonly mechanisms: readonly string[]
  /** XEP-0440. */
  readonly channelBindings: readonly ChannelBindingType[]
}

export interface SaslExchange {
  /**
   * Takes the initial response or a `<response/>`, decoded; null where there was no data. Answers at once where nothing has to be
   * waited for; never throws, never rejects. After success or failure the exchange is over.
   */
  step(response: Uint8Array | null): SaslStep | Promise<SaslStep>
}

export interface Mechanism {
  /** As registered and as in `<mechanism/>`. */
  readonly name: string
  /** As in `auth.sasl_mechanisms`. */
  readonly key: string
  readonly yields: CredentialKind
  /** Whether to advertise the mechanism on this connection. */
  offered(context: SaslContext): boolean
  begin(context: SaslContext, advertised: Advertised): SaslExchange
}
