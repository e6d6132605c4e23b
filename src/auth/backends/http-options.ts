/** `[auth.http]`: a web service that knows the accounts, asked as MongooseIM asks it. */
import Type from 'typebox'

import { outgoingTlsOptions } from '../outgoing-tls.ts'

export const httpOptions = Type.Object({
  url: Type.String({
    minLength: 1, maxLength: 2048, allowed: 'an http or https URL without user, query and fragment',
    description: 'Where the service is. `check_password`, `get_password`, `get_certs` and `user_exists` are appended.',
  }),
  basic_auth: Type.Optional(Type.String({
    secret: true, minLength: 1, description: '`"user:password"` with which the gateway itself logs in to the service. Better: `basic_auth_file`.',
  })),
  basic_auth_file: Type.Optional(Type.String({ file: true, minLength: 1, description: 'File whose first line is `user:password`.' })),
  password_format: Type.Enum(['any', 'plain', 'scram', 'none'], {
    default: 'any',
    description: 'What `get_password` answers, which SCRAM needs. `scram`: MongooseIM\'s serialisation; `check_password` is not asked then. `plain`: the password. '
      + '`any`: either of them. `none`: the service only has `check_password`, and SCRAM is not offered for its accounts.',
  }),
  external: Type.Enum(['get_certs', 'user_exists'], {
    default: 'get_certs',
    description: 'What is asked about a certificate. `get_certs`: it has to be one of those that the service lists for the user. '
      + '`user_exists`: it is enough that the user exists.',
  }),
  request_timeout: Type.Integer({
    default: 2_000, minimum: 100, maximum: 60_000, unit: 'ms', description: 'The time for one request, from the connection to the last byte of the answer.',
  }),
  pool_size: Type.Integer({ default: 10, minimum: 1, maximum: 1_000, unit: 'connections', description: 'Requests that are under way at the same time.' }),
  tls: outgoingTlsOptions,
}, { description: 'The method `http`: accounts kept by a web service. Passwords are in the query of the request, as in MongooseIM: the service must not log it.' })

export type HttpOptions = Type.Static<typeof httpOptions>
