// Ways to log in to a whole gateway, on any carrier: what was offered, and what came of it.
import assert from 'node:assert/strict'
import { auth, base64, type Carrier, response, type Visitor } from '../external/visitor.ts'
import type { ClientIdentity, Gateway } from '../support/gateway.ts'
import { ScramClient, type ScramClientOptions } from '../support/scram-client.ts'

/** Resolves with `success`, or the condition. */
export type LogIn = (visitor: Visitor) => Promise<string>

const heard = ({ local, children }: Awaited<ReturnType<Visitor['ask']>>): string => local === 'success' ? 'success' : children[0]?.local ?? local

export const byCertificate: LogIn = async visitor => heard(await visitor.ask(auth('=')))

export const byPlain = (user: string, password: string): LogIn => async visitor => heard(await visitor.ask(auth(base64(`\0${user}\0${password}`), 'PLAIN')))

export const byScram = (username: string, password: string, hash: ScramClientOptions['hash'] = 'sha256'): LogIn => async visitor => {
  const client = new ScramClient({ hash, username, password })
  const challenge = await visitor.ask(auth(base64(client.first()), `SCRAM-${hash.toUpperCase().replace('SHA', 'SHA-')}`))
  if (challenge.local !== 'challenge') return heard(challenge)
  const last = await visitor.ask(response(base64(client.final(Buffer.from(challenge.text, 'base64').toString()))))
  // The server has to know the password as well.
  if (last.local === 'success') assert.ok(client.isServer(Buffer.from(last.text, 'base64').toString()))
  return heard(last)
}

/** The mechanisms offered; and the bare JID that was bound, or the condition. */
export async function visit(gateway: Gateway, carrier: Carrier, logIn: LogIn, identity: ClientIdentity | null = null): Promise<readonly [offered: string, outcome: string]> {
  const visitor = await carrier.visit(gateway, { identity })
  try {
    const said = await logIn(visitor)
    return [visitor.offered.join(' '), said === 'success' ? (await visitor.bind()).replace(/\/.*/, '') : said]
  } finally {
    await visitor.leave()
  }
}

/** The bare JID that was bound, or the condition. */
export const outcome = async (...visited: Parameters<typeof visit>): Promise<string> => (await visit(...visited))[1]
