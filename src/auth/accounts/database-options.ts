/** How a database is named and spoken to, in `[auth.rdbms]` and in `[store]`. */
import Type from 'typebox'

import { outgoingTlsOptions } from '../outgoing-tls.ts'

/** `timeout` says what becomes of a question that takes longer. */
export const databaseOptions = (timeout: string) => ({
  url: Type.String({
    databaseUrl: true, secret: true, minLength: 1, allowed: 'the URL of a database: "postgres://…" or "sqlite:…"',
    description: '`postgres://USER@HOST:PORT/DATABASE`, or `sqlite:FILE` with a path relative to the configuration file. PostgreSQL on another machine is '
      + 'spoken to over TLS with its certificate checked, unless `?sslmode=disable` is added. A unix socket: `postgres://USER@%2Frun%2Fpostgresql/DATABASE`.',
  }),
  password_file: Type.Optional(Type.String({
    file: true, minLength: 1, description: 'A file whose first line is the password of the database user. Without it: the one of the URL, or of the variable PGPASSWORD.',
  })),
  pool_size: Type.Integer({ default: 10, minimum: 1, maximum: 1_000, unit: 'connections', description: 'How many connections there are to PostgreSQL at most.' }),
  request_timeout: Type.Integer({
    default: 2_000, minimum: 100, maximum: 60_000, unit: 'ms', description: `How long one question may take. ${timeout}`,
  }),
  tls: outgoingTlsOptions,
})

export type DatabaseOptions = Type.Static<Type.TObject<ReturnType<typeof databaseOptions>>>
