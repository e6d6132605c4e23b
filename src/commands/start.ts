/** `meerkat start`: runs the gateway until it is told to stop. */
import { relative } from 'node:path'
import { parseArgs } from 'node:util'
import { App, type Listening } from '../app.ts'
import type { Config } from '../config/config.ts'
import { systemClock } from '../telemetry/clock.ts'
import { pinoLog } from '../telemetry/pino-log.ts'
import type { TcpMode } from '../transport/tcp-options.ts'
import { developmentPassword } from '../x509/development-folder.ts'
import { type Command, exitCode, type Surroundings, UsageError } from './command.ts'
import { certsFolderOf, checkedConfiguration, configurationFile } from './configuration.ts'
import { listenFailure } from './listen-failure.ts'

export const start: Command = {
  name: 'start',
  usage: 'meerkat start [--config FILE]',
  summary: 'runs the gateway (npm start)',
  help: [
    'Without --config: meerkat.toml in this folder, or else built-in defaults that serve the domain localhost on',
    'https://localhost:5285, for which a development CA and certificates are made in certs/ at the first start.',
    'SIGTERM or SIGINT stops it in good order. SIGHUP makes it read the files of TLS anew (certificates, keys, CAs, revocation lists);',
    'it notices by itself when they change. The configuration itself is read at the start only.',
  ],
  async run(argv, surroundings) {
    const { values, positionals } = parseArgs({ args: [...argv], allowPositionals: true, options: { config: { type: 'string' } } })
    if (positionals.length > 0) throw new UsageError(`"${positionals[0] ?? ''}" is not expected here; a configuration is named with --config`)
    const file = configurationFile(values.config, surroundings)
    const hangUp = new HangUp()
    const { config, tls, tlsState, authFiles, warnings, made } = await checkedConfiguration(file, surroundings, systemClock.now())
    const log = pinoLog({ level: config.general.log_level, readable: process.stdout.isTTY })
    for (const { path, text } of warnings) log.warn({ event: 'configuration.warning', key: path, text })
    const app = await App.create({ config, tls, tlsState, authFiles, software: { name: 'Meerkat', version: surroundings.version }, clock: systemClock, log })
    let listening
    try {
      listening = await app.listen()
    } catch (error) {
      const problem = listenFailure(error)
      if (problem === null) throw error
      surroundings.printError(`meerkat: ${problem}`)
      return exitCode.failure
    }
    process.on('uncaughtException', error => { app.log.error({ event: 'process.bug', error }) })
    const stopped = stopSignal()
    for (const line of greeting(config, listening, app.metricsUrl, made, surroundings)) surroundings.printError(line)
    hangUp.serve(() => {
      log.info({ event: 'process.reload', text: 'SIGHUP: certificates, keys, CAs and revocation lists are read anew; the configuration is not.' })
      void app.reload()
    })
    const signal = await stopped
    log.info({ event: 'process.stopping', signal, sessions: app.sessionCount })
    await app.close(config.limits.shutdown_timeout)
    log.info({ event: 'process.stopped' })
    return exitCode.success
  },
}

/** SIGHUP, also one that comes before there is anybody to serve it; main.ts keeps it from ending the process. */
class HangUp {
  #isPending = false
  #act = (): void => { this.#isPending = true }

  constructor() { process.on('SIGHUP', () => { this.#act() }) }

  serve(act: () => void): void {
    this.#act = act
    if (this.#isPending) act()
  }
}

/** Ctrl-C reaches the whole process group, and those who started us forward it: what comes so soon after the first signal is the same one. */
const sameSignalMilliseconds = 1_000

function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise(resolve => {
    const signals = ['SIGTERM', 'SIGINT'] as const
    const stop = (signal: NodeJS.Signals) => {
      resolve(signal)
      // Later, a second signal of one who does not want to wait ends the process as it does by default.
      systemClock.after(sameSignalMilliseconds, () => { for (const name of signals) process.off(name, stop) })
    }
    for (const name of signals) process.on(name, stop)
  })
}

function greeting(config: Config, listening: readonly Listening[], metricsUrl: string | null, made: readonly string[], surroundings: Surroundings): string[] {
  const lines = [`Meerkat ${surroundings.version} serves ${config.general.hosts.join(', ')}`]
  const seen = new Set<string>()
  for (const { ip, port, socket, secure, websocketPath, boshPath, tcp } of listening) {
    if (socket !== null) {
      lines.push(`  for proxies   ${socket}`)
      continue
    }
    const address = `${hostFor(ip)}:${port}`
    if (seen.has(address)) continue
    seen.add(address)
    if (tcp !== null) {
      lines.push(`  TCP           ${address} (${tcpWords[tcp]})`)
      continue
    }
    lines.push(`  welcome page  http${secure ? 's' : ''}://${address}/`)
    if (websocketPath !== null) lines.push(`  WebSocket     ws${secure ? 's' : ''}://${address}${websocketPath}`)
    if (boshPath !== null) lines.push(`  BOSH          http${secure ? 's' : ''}://${address}${boshPath}`)
  }
  if (metricsUrl !== null) lines.push(`  metrics       ${metricsUrl}`)
  if (config.file !== null) return lines
  const folder = relative('', certsFolderOf(surroundings)) || '.'
  const { port } = listening[0] ?? { port: 0 }
  return [
    ...lines,
    ...made.length > 0 ? [`Made in ${folder}/: ${made.join(', ')}`] : [],
    `Certificates in ${folder}/: ca.crt (trust it), alice.p12 and bob.p12 (import one into a browser; password "${developmentPassword}")`,
    `Try: curl --cacert ${folder}/ca.crt --cert ${folder}/alice.crt --key ${folder}/alice.key https://localhost:${port}/`,
  ]
}

const tcpWords: Readonly<Record<TcpMode, string>> = { starttls: 'STARTTLS', starttls_required: 'STARTTLS, required', tls: 'direct TLS' }

/** What a person types to get there. */
const hostFor = (ip: string): string => ip === '127.0.0.1' || ip === '::1' ? 'localhost' : ip.includes(':') ? `[${ip}]` : ip
