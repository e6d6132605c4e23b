/** The contract of AuthBackend on what there is, and on two doubles that show that the suite sees refusals and silence. */

import type { Credentials } from '../../src/auth/credentials.ts'
import { pki } from '../../src/auth/backends/pki.ts'
import { parseDomainpart } from '../../src/xmpp/jid.ts'
import { bare, certificateWith } from '../support/external-certificate.ts'
import { authBackendContract } from './auth-backend.ts'

const domain = parseDomainpart('example.net')!
const certificate = certificateWith({})
const alice: Credentials = { kind: 'certificate', user: bare('alice@example.net'), certificate }
const stranger: Credentials = { kind: 'certificate', user: bare('alice@example.com'), certificate }
const password: Credentials = { kind: 'password', user: bare('alice@example.net'), password: 'correct horse' }
const everyKind = [alice, password]

authBackendContract('pki', () => ({
  backend: pki, domain, everyKind, refused: [stranger], unanswered: [],
  accepted: [alice, { ...alice, user: bare('nobody-ever-registered@example.net') }],
}))

authBackendContract('one that refuses everybody', () => ({
  backend: {
    name: 'refusing', accepts: new Set(['certificate', 'password'] as const),
    verify: () => Promise.resolve({ ok: false, condition: 'not-authorized', reason: 'it refuses everybody' }),
  },
  domain, everyKind, accepted: [], refused: everyKind, unanswered: [],
}))

authBackendContract('one that never answers', () => ({
  backend: {
    name: 'silent', accepts: new Set(['certificate', 'password', 'scram'] as const), verify: () => new Promise(() => {}), scramSecret: () => new Promise(() => {}),
  },
  domain, everyKind, accepted: [], refused: [], unanswered: everyKind,
}))
