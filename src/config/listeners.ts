/** All listeners that clients come by, whatever they speak, in one order: that of the TLS material which is read for them. */
import type { TlsOptions } from '../x509/tls-options.ts'
import type { ListenC2s } from './listen-c2s.ts'
import type { ListenHttp } from './listen-http.ts'

export interface NamedListener {
  /** As in `listen.http[0]`. */
  readonly path: string
  readonly ip: string
  readonly port: number
  /** The path of a Unix socket, which takes the place of address and port. */
  readonly socket?: string
  readonly tls?: TlsOptions
}

export interface Listeners { readonly http: readonly ListenHttp[], readonly c2s: readonly ListenC2s[] }

export const listenersOf = ({ http, c2s }: Listeners): readonly NamedListener[] => [
  ...http.map((listener, index) => ({ ...listener, path: `listen.http[${index}]` })),
  ...c2s.map((listener, index) => ({ ...listener, path: `listen.c2s[${index}]` })),
]
