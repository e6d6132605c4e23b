/**
 * The peer's certificate as a TLS session keeps it: for telling quickly who comes back. To have OpenSSL copy the chain out of the connection costs
 * three times as much, and as much as all the rest of what is asked about a certificate that is known already.
 */
import type { TLSSocket } from 'node:tls'
import { DerError } from './der.ts'
import { DerCursor } from './der-cursor.ts'

const integer = 0x02
const octetString = 0x04
const sequence = 0x30
const explicit = (number: number): number => 0xa0 + number

/** DER, one octet in each character. Null where there is none, and for a session of another form: then it is not known who that is. */
export function shownCertificate(socket: TLSSocket): string | null {
  // The verdict of a resumed session is that with which it was born (external.md §1).
  if (socket.isSessionReused()) return null
  const session = socket.getSession()
  if (session === undefined) return null
  const certificate = certificateIn(session)
  // The rest of it are the secrets of the connection.
  session.fill(0)
  return certificate
}

/** Of what OpenSSL's `i2d_SSL_SESSION` writes, and `openssl sess_id -cert` reads: versions, cipher, id and key, [1] and [2] times, [3] the certificate. */
export function certificateIn(session: Buffer): string | null {
  try {
    const fields = new DerCursor(session).enter(sequence)
    for (const tag of [integer, integer, octetString, octetString, octetString]) fields.skip(tag)
    for (const tag of [explicit(1), explicit(2)]) if (fields.isNext(tag)) fields.skip(tag)
    return fields.isNext(explicit(3)) ? fields.take(explicit(3)).toString('latin1') : null
  } catch (error) {
    if (error instanceof DerError) return null
    throw error
  }
}
