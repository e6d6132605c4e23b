/** `[auth.password]`: what is kept of new passwords, and what those learn who ask for accounts that are not there (RFC 5802, RFC 7677). */
import Type from 'typebox'

import { maxIterations, scramHashes } from './scram-secret.ts'

/** RFC 5802 §5.1 asks for 4,096 at least, and clients refuse less. */
const fewestIterations = 4_096

export const passwordOptions = Type.Object({
  hash: Type.Array(Type.Enum(scramHashes), {
    default: ['sha1', 'sha256', 'sha512'], minItems: 1, uniqueItems: true,
    description: 'What is kept of a new password: a client can use the SCRAM mechanisms of these hashes.',
  }),
  scram_iterations: Type.Integer({
    default: 10_000, minimum: fewestIterations, maximum: maxIterations, unit: 'iterations',
    description: 'How often a new password is hashed. More is slower for clients, and for those who steal the database.',
  }),
  decoy_iterations: Type.Array(Type.Integer({ minimum: 1, maximum: maxIterations }), {
    default: [], unit: 'iterations',
    description: 'For a database whose accounts have other counts than `scram_iterations`: the counts shown for accounts that do not exist, so that nobody '
      + 'can tell these apart. A count that stands here twice is shown twice as often.',
  }),
}, { description: 'What is kept of passwords.' })

export type PasswordOptions = Type.Static<typeof passwordOptions>
