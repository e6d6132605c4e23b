/** `auth.rdbms.url`: which database, and how to get there. The form is PostgreSQL's (its documentation, "Connection URIs"), as far as it is of
 * use here; what is not known is refused, never ignored. */

import { isIP } from 'node:net'

export interface PostgresAddress {
  readonly kind: 'postgres'
  /** A name, an address, or the folder of a unix socket. */
  readonly host: string
  readonly port: number
  readonly user: string
  /** Null where the URL has none. */
  readonly password: string | null
  readonly database: string
  /** Whether the connection is over TLS, with the server's certificate checked. */
  readonly tls: boolean
}

export interface SqliteAddress { readonly kind: 'sqlite', readonly file: string }

export type DatabaseAddress = PostgresAddress | SqliteAddress

/** `problem` and `remedy` never hold anything of the URL: there may be a password in it. */
export type DatabaseUrl = { readonly ok: true, readonly address: DatabaseAddress } | { readonly ok: false, readonly problem: string, readonly remedy: string }

/** Those of libpq that promise TLS, and the one that promises none. The others leave it to whoever sits on the way. */
const tlsModes: Readonly<Record<string, boolean>> = { 'disable': false, 'require': true, 'verify-ca': true, 'verify-full': true }
const parameters = ['sslmode', 'host', 'user']

const wrong = (problem: string, remedy: string): DatabaseUrl => ({ ok: false, problem, remedy })

export function parseDatabaseUrl(text: string): DatabaseUrl {
  const file = sqliteFile(text)
  if (file !== null) return file === '' ? wrong('a URL of SQLite without a file', 'Write "sqlite:accounts.db".') : { ok: true, address: { kind: 'sqlite', file } }
  if (!/^postgres(?:ql)?:\/\//.test(text)) return wrong('the URL of another kind of database', 'Write "postgres://USER@HOST/DATABASE" or "sqlite:FILE".')
  try {
    return parsePostgresUrl(new URL(text))
  } catch {
    return wrong('a URL that cannot be read', 'Write "postgres://USER@HOST/DATABASE"; signs such as / and @ within a part are written %2F and %40.')
  }
}

/** The path in `sqlite:PATH` or `sqlite:///PATH`, as it stands there; null for another kind of URL. */
function sqliteFile(text: string): string | null {
  const [, path = ''] = /^sqlite:(.*)$/s.exec(text) ?? []
  if (!text.startsWith('sqlite:')) return null
  return path.startsWith('//') ? path.startsWith('///') ? path.slice(2) : '' : path
}

/** The URL with a relative path of SQLite made absolute; any other as it is. */
export function withAbsolutePath(text: string, resolve: (path: string) => string): string {
  const file = sqliteFile(text)
  return file === null || file === '' ? text : `sqlite:${resolve(file)}`
}

/** Throws a URIError for a percent sign that encodes nothing. */
function parsePostgresUrl({ hostname, port, username, password, pathname, searchParams, hash }: URL): DatabaseUrl {
  if (hash !== '') return wrong('a URL with a #', 'Write # as %23.')
  for (const name of searchParams.keys()) {
    if (!parameters.includes(name)) return wrong('a URL with a parameter that is not known', `After the ? stand only ${parameters.join(', ')}.`)
    if (searchParams.getAll(name).length > 1) return wrong(`a URL with the parameter ${name} twice`, 'Remove one.')
  }
  const host = searchParams.get('host') ?? (decodeURIComponent(hostname).replace(/^\[(.*)\]$/, '$1') || 'localhost')
  if (host.includes(',')) return wrong('a URL with several hosts', 'Name one of them.')
  const user = searchParams.get('user') ?? decodeURIComponent(username)
  if (user === '') return wrong('a URL without a user', 'Write "postgres://USER@HOST/DATABASE".')
  const sslmode = searchParams.get('sslmode')
  const tls = sslmode === null ? !isHere(host) : Object.hasOwn(tlsModes, sslmode) ? tlsModes[sslmode] : undefined
  if (tls === undefined) return wrong('a URL with an sslmode that is not spoken here', `It is one of ${Object.keys(tlsModes).join(', ')}.`)
  if (tls && host.startsWith('/')) return wrong('a URL that wants TLS over a unix socket', 'Remove sslmode: nothing leaves this machine.')
  const database = decodeURIComponent(pathname.slice(1)) || user
  if (`${host}${user}${database}`.includes('\0')) return wrong('a URL with a NUL', 'Remove %00.')
  return {
    ok: true,
    address: { kind: 'postgres', host, port: port === '' ? 5_432 : Number(port), user, password: decodeURIComponent(password) || null, database, tls },
  }
}

/** Whether nothing leaves this machine on the way there. */
export function isHere(host: string): boolean {
  return host.startsWith('/') || host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
