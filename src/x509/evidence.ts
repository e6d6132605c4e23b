// What a TLS connection says about the client's certificate, gathered once, when the connection is accepted.
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import { resumedSession } from './refusal.ts'
import type { Evidence } from './verdict.ts'

/** Chains are short; OpenSSL itself stops at 100. */
const maxChainLength = 16

/**
 * Call once per socket, after `secureConnection`, and keep the result. It uses getPeerCertificate(true): getPeerX509Certificate() would
 * destroy the chain for later calls. Listeners that ask for a certificate disable session tickets; should a session be resumed all the
 * same, it counts as not verified, because it would keep the verdict that it was born with (external.md §1).
 */
export function evidenceOf(socket: TLSSocket): Evidence {
  // Declared as always whole; without a certificate Node gives an empty object, and null once the socket is gone.
  const leaf = socket.getPeerCertificate(true) as Partial<DetailedPeerCertificate> | null
  if (leaf?.raw === undefined) return { leaf: null, authorized: false, authorizationError: null, chainLength: 0 }
  const isResumed = socket.isSessionReused()
  return {
    leaf: leaf.raw,
    authorized: socket.authorized && !isResumed,
    authorizationError: isResumed ? resumedSession : codeOf(socket.authorizationError),
    chainLength: chainLengthOf(leaf),
  }
}

/** Declared an Error; on a server's sockets it is the code alone. */
function codeOf(error: unknown): string | null {
  if (error === null || error === undefined) return null
  if (typeof error === 'string') return error
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'UNSPECIFIED'
}

/** The root is its own issuer in Node's picture of the chain. */
function chainLengthOf(leaf: Partial<DetailedPeerCertificate>): number {
  let length = 1
  let current = leaf
  while (length < maxChainLength && current.issuerCertificate !== undefined && current.issuerCertificate !== current
    && current.issuerCertificate.fingerprint256 !== current.fingerprint256) {
    current = current.issuerCertificate
    length++
  }
  return length
}
