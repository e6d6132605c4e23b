/** The rules of the listeners that concern several keys, or the meaning of one. */
import { isIP, isIPv4, isIPv6 } from 'node:net'

import type { TlsOptions } from '../x509/tls-options.ts'
import { fixedPaths } from './listen-http.ts'
import type { ListenHttp } from './listen-http.ts'
import { originMistake } from './origin.ts'
import type { Report } from './report.ts'
import { alternatives, quoted } from './wording.ts'

export function checkListeners(listeners: readonly ListenHttp[], report: Report): void {
  if (listeners.length === 0 && report.sound('listen.http')) {
    report.mistake('listen.http', {
      found: 'no listener', allowed: 'at least one [[listen.http]] section', remedy: 'Add one: without it nothing can connect.',
    })
  }
  for (const [index, listener] of listeners.entries()) {
    const path = `listen.http[${index}]`
    checkAddress(listener, path, listeners.slice(0, index), report)
    checkOrigins(listener, path, report)
    checkEndpoints(listener, path, report)
    if (listener.tls === undefined) checkPlain(listener, path, report)
    else checkTls(listener.tls, path, report)
  }
}

function checkAddress({ ip, port }: ListenHttp, path: string, earlier: readonly ListenHttp[], report: Report): void {
  if (!report.sound(`${path}.ip`, `${path}.port`)) return
  if (isIP(ip) === 0) {
    report.mistake(`${path}.ip`, {
      found: quoted(ip), allowed: 'an IP address such as "127.0.0.1", "::1" or "0.0.0.0"',
      remedy: ip === 'localhost' ? 'Write "127.0.0.1", and a second listener for "::1".' : 'Names are not looked up here: write the address.',
    })
    return
  }
  const clash = port === 0 ? -1 : earlier.findIndex(other => other.port === port && overlap(other.ip, ip))
  if (clash >= 0) {
    report.mistake(`${path}.port`, {
      found: `port ${port} on ${ip}, which listen.http[${clash}] already takes`, allowed: 'one listener for each address and port',
      remedy: 'Change the port or the address of one of them.',
    })
  }
}

/** Whether the system would refuse to listen on both, on the same port: "::" takes IPv4 too. */
function overlap(one: string, other: string): boolean {
  const [a, b] = [canonicalAddress(one), canonicalAddress(other)]
  if (a === b || a === '::' || b === '::') return true
  return (a === '0.0.0.0' && isIPv4(b)) || (b === '0.0.0.0' && isIPv4(a))
}

function canonicalAddress(ip: string): string {
  // An address with a zone ("fe80::1%eth0") has no URL form.
  return isIPv6(ip) && URL.canParse(`http://[${ip}]`) ? new URL(`http://[${ip}]`).hostname.slice(1, -1) : ip.toLowerCase()
}

function isLoopback(ip: string): boolean {
  return (isIPv4(ip) && ip.startsWith('127.')) || canonicalAddress(ip) === '::1'
}

function checkPlain({ ip }: ListenHttp, path: string, report: Report): void {
  if (!report.sound(`${path}.tls`, `${path}.ip`, `${path}.trusted_proxies`) || isLoopback(ip)) return
  report.mistake(`${path}.tls`, {
    found: `no TLS on ${ip}`, allowed: 'TLS, or plain HTTP on a loopback address (127.0.0.0/8, ::1)',
    remedy: 'Set tls.certfile and tls.keyfile, or listen on "127.0.0.1".',
  })
}

function checkTls(tls: TlsOptions, path: string, report: Report): void {
  const key = (name: keyof TlsOptions) => `${path}.tls.${name}`
  const { certfile, keyfile, cacertfile, verify_mode } = tls
  // Keys without a certificate are how a listener behind a proxy is written, and that it is not available has been said.
  if (report.sound(key('certfile'), key('keyfile'), `${path}.trusted_proxies`)) {
    const missing = certfile === undefined ? 'certfile' : keyfile === undefined ? 'keyfile' : null
    if (missing !== null) {
      const other = missing === 'certfile' ? 'keyfile' : 'certfile'
      report.mistake(key(missing), {
        found: tls[other] === undefined ? 'TLS keys without a certificate' : `nothing, beside a ${other}`,
        allowed: 'tls.certfile and tls.keyfile, both of them', remedy: `Set tls.${missing}${tls[other] === undefined ? ` and tls.${other}` : ''}.`,
      })
    }
  }
  if (verify_mode !== 'none' && cacertfile === undefined && report.sound(key('verify_mode'), key('cacertfile'))) {
    report.mistake(key('cacertfile'), {
      found: `nothing, beside verify_mode ${quoted(verify_mode)}`, allowed: 'the file of the CAs that vouch for client certificates',
      remedy: 'Set tls.cacertfile, or tls.verify_mode = "none" where no client certificates are wanted.',
    })
  }
  if (verify_mode === 'none' && tls.require_certificate && report.sound(key('verify_mode'), key('require_certificate'))) {
    report.mistake(key('require_certificate'), {
      found: 'true, beside verify_mode "none", which asks for no certificate', allowed: 'true only with "peer" or "selfsigned_peer"',
      remedy: 'Set tls.verify_mode = "peer", or remove tls.require_certificate.',
    })
  }
  if (tls.password !== undefined && tls.password_file !== undefined) {
    report.mistake(key('password'), { found: 'both password and password_file', allowed: 'one of them', remedy: 'Keep tls.password_file.' })
  }
  if (verify_mode === 'selfsigned_peer') {
    report.warn(key('verify_mode'), '"selfsigned_peer" accepts certificates that anybody can make for himself. It is meant for development.')
  }
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
