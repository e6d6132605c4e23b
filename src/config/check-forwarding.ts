/** The rules of listeners behind reverse proxies: deny by default, so whoever may forward is named exactly. */
import { addressSet, type AddressRange, readAddressRange } from './ip-address.ts'
import { unixPeer } from './forwarding-keys.ts'
import type { ListenHttp } from './listen-http.ts'
import type { Report } from './report.ts'
import { quoted } from './wording.ts'

/** Whether clients come to this listener through proxies, and in no other way. */
export const isProxied = (listener: Pick<ListenHttp, 'trusted_proxies' | 'trusted_proxy_certificates'>): boolean =>
  listener.trusted_proxies.length > 0 || listener.trusted_proxy_certificates.length > 0

/** Of entries that checkForwarding has found good. */
export function trustedAddresses(entries: readonly string[]): { readonly unix: boolean, readonly addresses: ReturnType<typeof addressSet> } {
  const ranges = entries.filter(entry => entry !== unixPeer).map(readAddressRange).filter((range): range is AddressRange => !('remedy' in range))
  return { unix: entries.includes(unixPeer), addresses: addressSet(ranges) }
}

/** The 64 digits, in lower case; null for what is no fingerprint. */
export function plainFingerprint(text: string): string | null {
  if (/^[0-9A-Fa-f]{64}$/.test(text)) return text.toLowerCase()
  return /^[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){31}$/.test(text) ? text.replaceAll(':', '').toLowerCase() : null
}

export function checkForwarding(listener: ListenHttp, path: string, report: Report): void {
  checkProxies(listener, path, report)
  checkProxyCertificates(listener, path, report)
  if (listener.socket !== undefined) checkSocket(listener, listener.socket, path, report)
  if (listener.forwarded_certificate !== undefined) checkForwardedCertificate(listener, path, report)
}

function checkProxies({ trusted_proxies: entries, socket }: ListenHttp, path: string, report: Report): void {
  if (!report.sound(`${path}.trusted_proxies`)) return
  for (const [index, entry] of entries.entries()) {
    const where = `${path}.trusted_proxies[${index}]`
    if (entry === unixPeer) {
      if (socket !== undefined || !report.sound(`${path}.socket`)) continue
      report.mistake(where, { found: '"unix" on a listener without a socket', allowed: '"unix" only beside listen.http.socket',
        remedy: 'Set socket, or name the addresses of the proxies.' })
      continue
    }
    const range = readAddressRange(entry)
    if ('remedy' in range) {
      report.mistake(where, { found: quoted(entry), allowed: 'an IP address, a range of one network such as "10.0.0.0/8", or "unix"', remedy: range.remedy })
    }
  }
}

function checkProxyCertificates({ trusted_proxy_certificates: entries, tls }: ListenHttp, path: string, report: Report): void {
  const key = `${path}.trusted_proxy_certificates`
  if (entries.length === 0 || !report.sound(key)) return
  for (const [index, entry] of entries.entries()) {
    if (plainFingerprint(entry) !== null) continue
    report.mistake(`${key}[${index}]`, { found: quoted(entry), allowed: 'the SHA-256 fingerprint of a certificate: 64 hexadecimal digits, with or without colons',
      remedy: 'Take it from: openssl x509 -in proxy.crt -noout -fingerprint -sha256' })
  }
  if (!report.sound(key, `${path}.tls`)) return
  if (tls?.certfile === undefined || tls.verify_mode === 'none') {
    report.mistake(key, { found: `a listener ${tls?.certfile === undefined ? 'without TLS' : 'that asks for no certificate (verify_mode "none")'}`,
      allowed: 'TLS between the proxy and this listener, with verify_mode "peer" or "selfsigned_peer"',
      remedy: 'Set tls.certfile, tls.keyfile, tls.cacertfile and tls.verify_mode, or name the proxies by address in trusted_proxies.' })
  }
}

/** What `bind` takes (unix(7): 108 bytes with the final NUL), less what the folder in which the socket is made adds to it. */
const longestSocketPath = 95

function checkSocket({ ip, port, trusted_proxies: entries, trusted_proxy_certificates: pinned }: ListenHttp, socket: string, path: string, report: Report): void {
  if (!report.sound(`${path}.socket`, `${path}.ip`, `${path}.port`, `${path}.trusted_proxies`)) return
  const wrong = (found: string, allowed: string, remedy: string) => { report.mistake(`${path}.socket`, { found, allowed, remedy }) }
  // Written or not, the defaults stand there.
  if (ip !== '127.0.0.1' || port !== 5285) wrong('a socket beside ip or port', 'one of them', 'Make two listeners of it.')
  else if (socket.includes('\0') || Buffer.byteLength(socket) > longestSocketPath) {
    wrong(quoted(socket), `a path of at most ${longestSocketPath} bytes, made absolute`, 'Choose a shorter one, such as "/run/meerkat/http".')
  } else if (!entries.includes(unixPeer)) {
    wrong('a socket whose peers nobody trusts', 'a socket beside trusted_proxies with "unix" in it',
      pinned.length > 0 ? 'Add "unix" to trusted_proxies: both must hold.' : 'Set trusted_proxies = ["unix"]: whoever may open the socket is a proxy.')
  }
}

function checkForwardedCertificate(listener: ListenHttp, path: string, report: Report): void {
  const { tls } = listener
  if (!report.sound(`${path}.forwarded_certificate`, `${path}.trusted_proxies`, `${path}.trusted_proxy_certificates`, `${path}.tls`)) return
  if (!isProxied(listener)) {
    report.mistake(`${path}.forwarded_certificate`, { found: `${quoted(listener.forwarded_certificate ?? '')} from nobody: no proxy is trusted`,
      allowed: 'a dialect beside trusted_proxies or trusted_proxy_certificates', remedy: 'Name the proxies in trusted_proxies, or remove the key.' })
  } else if (tls?.verify_mode === 'none') {
    report.mistake(`${path}.tls.verify_mode`, { found: '"none", beside forwarded_certificate', allowed: '"peer" or "selfsigned_peer"',
      remedy: 'Say what forwarded certificates are verified against: tls.cacertfile with tls.verify_mode = "peer". Or remove forwarded_certificate.' })
  } else if (tls === undefined) {
    report.mistake(`${path}.tls.cacertfile`, { found: 'nothing, beside forwarded_certificate', allowed: 'the file of the CAs that vouch for client certificates',
      remedy: 'Set tls.cacertfile: forwarded certificates are verified against it.' })
  }
}
