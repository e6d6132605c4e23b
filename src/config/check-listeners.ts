/** The rules of the listeners that concern several keys, or the meaning of one. */
import { isIP, isIPv4 } from 'node:net'

import type { TlsOptions } from '../x509/tls-options.ts'
import { checkForwarding, isProxied } from './check-forwarding.ts'
import { checkServerKeys, checkTlsKeys } from './check-tls-keys.ts'
import { canonicalAddress, isLoopback } from './ip-address.ts'
import { fixedPaths } from './listen-http.ts'
import type { ListenHttp } from './listen-http.ts'
import { listenersOf } from './listeners.ts'
import type { Listeners, NamedListener } from './listeners.ts'
import { originMistake } from './origin.ts'
import type { Report } from './report.ts'
import { alternatives, quoted } from './wording.ts'

export function checkListeners({ http, c2s }: Listeners, report: Report): void {
  if (http.length === 0 && c2s.length === 0 && report.sound('listen.http', 'listen.c2s')) {
    report.mistake('listen.http', {
      found: 'no listener', allowed: 'at least one [[listen.http]] or [[listen.c2s]] section', remedy: 'Add one: without it nothing can connect.',
    })
  }
  const all = listenersOf({ http, c2s })
  for (const [index, listener] of all.entries()) checkAddress(listener, all.slice(0, index), report)
  for (const [index, listener] of http.entries()) {
    const path = `listen.http[${index}]`
    checkOrigins(listener, path, report)
    checkEndpoints(listener, path, report)
    checkForwarding(listener, path, report)
    if (listener.tls === undefined) checkPlain(listener, path, report)
    else checkTls(listener.tls, listener, path, report)
  }
  for (const [index, { tls }] of c2s.entries()) {
    const path = `listen.c2s[${index}].tls`
    if (report.sound(`${path}.certfile`, `${path}.keyfile`)) checkServerKeys(tls, path, report)
    checkTlsKeys(tls, path, report)
  }
}

function checkAddress({ ip, port, socket, path }: NamedListener, earlier: readonly NamedListener[], report: Report): void {
  if (!report.sound(`${path}.ip`, `${path}.port`, `${path}.socket`)) return
  if (socket !== undefined) {
    const twin = earlier.find(other => other.socket === socket)
    if (twin !== undefined) {
      report.mistake(`${path}.socket`, {
        found: `${quoted(socket)}, which ${twin.path} already takes`, allowed: 'one listener for each socket', remedy: 'Change the path of one of them.',
      })
    }
    return
  }
  if (isIP(ip) === 0) {
    report.mistake(`${path}.ip`, {
      found: quoted(ip), allowed: 'an IP address such as "127.0.0.1", "::1" or "0.0.0.0"',
      remedy: ip === 'localhost' ? 'Write "127.0.0.1", and a second listener for "::1".' : 'Names are not looked up here: write the address.',
    })
    return
  }
  const clash = clashWith({ ip, port }, earlier)
  if (clash !== undefined) {
    report.mistake(`${path}.port`, {
      found: `port ${port} on ${ip}, which ${clash.path} already takes`, allowed: 'one listener for each address and port',
      remedy: 'Change the port or the address of one of them.',
    })
  }
}

/** The listener that takes that address and port already. */
export const clashWith = ({ ip, port }: { readonly ip: string, readonly port: number }, others: readonly NamedListener[]): NamedListener | undefined =>
  port === 0 ? undefined : others.find(other => other.socket === undefined && other.port === port && overlap(other.ip, ip))

/** Whether the system would refuse to listen on both, on the same port: "::" takes IPv4 too. */
function overlap(one: string, other: string): boolean {
  const [a, b] = [canonicalAddress(one), canonicalAddress(other)]
  if (a === b || a === '::' || b === '::') return true
  return (a === '0.0.0.0' && isIPv4(b)) || (b === '0.0.0.0' && isIPv4(a))
}

function checkPlain(listener: ListenHttp, path: string, report: Report): void {
  const { ip, socket, trusted_proxies } = listener
  if (!report.sound(`${path}.tls`, `${path}.ip`, `${path}.trusted_proxies`) || isLoopback(ip) || socket !== undefined || trusted_proxies.length > 0) return
  report.mistake(`${path}.tls`, {
    found: `no TLS on ${ip}`, allowed: 'TLS, or plain HTTP on a loopback address (127.0.0.0/8, ::1) or for trusted_proxies',
    remedy: 'Set tls.certfile and tls.keyfile, or listen on "127.0.0.1".',
  })
}

function checkTls(tls: TlsOptions, listener: ListenHttp, path: string, report: Report): void {
  const key = (name: keyof TlsOptions) => `${path}.tls.${name}`
  // Without a certificate the rest says what forwarded certificates are verified against.
  const isPlain = tls.certfile === undefined && tls.keyfile === undefined && listener.forwarded_certificate !== undefined && isProxied(listener)
  if (isPlain) {
    checkPlain(listener, path, report)
    for (const idle of ['password', 'password_file', 'ciphers'] as const) {
      if (tls[idle] !== undefined) report.mistake(key(idle), { found: 'a key of TLS on a listener without TLS', allowed: 'this key beside tls.certfile', remedy: 'Remove it.' })
    }
  } else if (report.sound(key('certfile'), key('keyfile'), `${path}.forwarded_certificate`, `${path}.trusted_proxies`)) {
    checkServerKeys(tls, `${path}.tls`, report)
  }
  checkTlsKeys(tls, `${path}.tls`, report)
}

function checkOrigins({ origins }: ListenHttp, path: string, report: Report): void {
  for (const [index, origin] of origins.entries()) {
    const mistake = originMistake(origin)
    if (mistake !== null && report.sound(`${path}.origins`)) {
      report.mistake(`${path}.origins[${index}]`, {
        found: quoted(origin), allowed: 'scheme://host, or scheme://host:port, as browsers send it', remedy: mistake,
      })
    }
  }
}

function checkEndpoints({ websocket, bosh }: ListenHttp, path: string, report: Report): void {
  const endpoints = Object.entries({ websocket, bosh }).flatMap(([name, options]) => options === false ? [] : [{ name, path: options.path }])
  if (endpoints.length === 0 && report.sound(path)) report.warn(path, 'this listener offers no XMPP: all its endpoints are turned off.')
  for (const [index, endpoint] of endpoints.entries()) {
    const where = `${path}.${endpoint.name}.path`
    if (!report.sound(where)) continue
    const twin = endpoints.slice(0, index).find(other => other.path === endpoint.path)
    if (twin !== undefined) {
      report.mistake(where, {
        found: `${quoted(endpoint.path)}, which is ${twin.name}.path too`, allowed: 'a path of its own for each endpoint', remedy: 'Change one of them.',
      })
    } else if (fixedPaths.includes(endpoint.path)) {
      report.mistake(where, {
        found: quoted(endpoint.path), allowed: `any path but ${alternatives(fixedPaths)}`, remedy: 'Choose another: the gateway itself answers there.',
      })
    } else if (!isPlainPath(endpoint.path)) {
      // Characters such as ":" and "*" would be patterns to the HTTP router.
      report.mistake(where, {
        found: quoted(endpoint.path), allowed: 'a path that begins with "/", of letters, digits and . _ ~ - between single slashes',
        remedy: 'Write it as in "/xmpp-websocket".',
      })
    }
  }
}

const isPlainPath = (path: string) =>
  path.length <= 255 && path.startsWith('/') && path.slice(1).split('/').every(segment => /^[\w.~-]+$/.test(segment) && !/^\.\.?$/.test(segment))
