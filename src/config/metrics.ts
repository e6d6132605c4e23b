/** `[listen.metrics]`: where Prometheus reads `/metrics`. */
import { isIP } from 'node:net'
import Type from 'typebox'

import { clashWith } from './check-listeners.ts'
import { isLoopback } from './ip-address.ts'
import type { NamedListener } from './listeners.ts'
import type { Report } from './report.ts'
import { quoted } from './wording.ts'

export const listenMetrics = Type.Object({
  ip: Type.String({
    default: '127.0.0.1', allowed: 'an IP address such as "127.0.0.1", "::1" or "0.0.0.0"', description: 'The address listened on.',
  }),
  port: Type.Integer({ default: 9285, minimum: 0, maximum: 65_535, description: 'The TCP port. 0 takes any free one.' }),
}, { description: 'Metrics for Prometheus: `/metrics`, and nothing else, over plain HTTP. Without this section there are none.' })

export type ListenMetrics = Type.Static<typeof listenMetrics>

export function checkMetrics(metrics: ListenMetrics | undefined, listeners: readonly NamedListener[], report: Report): void {
  if (metrics === undefined || !report.sound('listen.metrics')) return
  const { ip, port } = metrics
  if (isIP(ip) === 0) {
    report.mistake('listen.metrics.ip', {
      found: quoted(ip), allowed: 'an IP address such as "127.0.0.1", "::1" or "0.0.0.0"', remedy: 'Names are not looked up here: write the address.',
    })
    return
  }
  const clash = clashWith(metrics, listeners)
  if (clash !== undefined) {
    report.mistake('listen.metrics.port', {
      found: `port ${port} on ${ip}, which ${clash.path} already takes`, allowed: 'one listener for each address and port',
      remedy: 'Change the port or the address of one of them.',
    })
  }
  if (!isLoopback(ip)) {
    report.warn('listen.metrics.ip', `anybody who can reach ${ip} can read the metrics, over plain HTTP and without a password: let a firewall see to it that only Prometheus can.`)
  }
}
