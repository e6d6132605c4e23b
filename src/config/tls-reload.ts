/** Keeps the certificates, keys, CAs and revocation lists of the listeners up to date while the gateway runs: all of a new set, or nothing of it. */
import { X509Certificate } from 'node:crypto'
import { dirname } from 'node:path'

import type { Clock, Timer } from '../telemetry/clock.ts'
import type { Log } from '../telemetry/log.ts'
import { OutdatedLists } from '../x509/outdated-lists.ts'
import type { RevocationList } from '../x509/revocation-list.ts'
import type { TlsMaterial } from '../x509/tls-material.ts'
import { checkTlsFiles, tlsFilesOf } from './check-files.ts'
import type { Config } from './config.ts'
import { formatMistake } from './config-error.ts'
import type { Mistake } from './config-error.ts'
import { listenersOf } from './listeners.ts'
import { Report } from './report.ts'
import { WatchedFiles } from './watched-files.ts'

/** Whoever uses the material of a listener. Throws where OpenSSL does not take it, and goes on with what it had. */
export interface TlsUser { replace(material: TlsMaterial): void }

/** Milliseconds between two looks at dates: of revocation lists, and those that a refused set waits for. */
const dateInterval = 10_000

export interface TlsReloadOptions {
  readonly config: Config
  /** For each of `listenersOf(config.listen)`: what the listeners begin with. */
  readonly material: readonly (TlsMaterial | null)[]
  /** As in FileCheck; null where it is not known. */
  readonly state: string | null
  /** Called after a set was replaced. */
  readonly replaced: () => void
  readonly clock: Clock
  readonly log: Log
}

interface Entry { readonly index: number, readonly user: TlsUser }

export class TlsReload {
  readonly #options: TlsReloadOptions
  readonly #users: Entry[] = []
  readonly #files: WatchedFiles
  readonly #outdated = new OutdatedLists()
  #material: readonly (TlsMaterial | null)[]
  /** When a refused set will be good, as far as can be told, in milliseconds since the epoch; null where time alone changes nothing. */
  #goodFrom: number | null = null
  #timer: Timer | null = null
  #isStopped = false
  #underWay: Promise<boolean> = Promise.resolve(true)
  #next: Promise<boolean> | null = null

  constructor(options: TlsReloadOptions) {
    this.#options = options
    this.#material = options.material
    this.#files = new WatchedFiles({ paths: tlsFilesOf(options.config), state: options.state, clock: options.clock, changed: () => { void this.reload() } })
  }

  /** `index`: of the listener. */
  add(index: number, user: TlsUser): void { this.#users.push({ index, user }) }

  start(): void {
    this.#files.start()
    this.#tellOutdated()
    this.#timer = this.#options.clock.every(dateInterval, () => { this.#look() })
  }

  stop(): void {
    this.#isStopped = true
    this.#files.stop()
    this.#timer?.cancel()
  }

  /** Reads all files anew. Resolves with whether a new set is in use. Never rejects; one after the other. */
  reload(): Promise<boolean> {
    this.#next ??= this.#underWay.then(() => {
      this.#next = null
      this.#underWay = this.#once()
      return this.#underWay
    })
    return this.#next
  }

  /** Of every listener that has any, each once. */
  get #lists(): ReadonlySet<RevocationList> { return new Set(this.#material.flatMap(material => material?.trust?.revocation?.lists ?? [])) }

  #isOver(): boolean { return this.#isStopped }

  async #once(): Promise<boolean> {
    const { config, clock, log, replaced } = this.#options
    if (this.#isOver()) return false
    this.#goodFrom = null
    try {
      // What changes from here on is seen as a change again.
      await this.#files.mark()
      const report = new Report(config.file, config.file === null ? '.' : dirname(config.file))
      const material = await checkTlsFiles(config, { now: clock.now(), inUse: this.#material }, report)
      if (this.#isOver()) return false
      const mistakes = report.mistakes.length > 0 ? report.mistakes.map(formatMistake) : this.#replace(material)
      if (mistakes.length > 0) {
        this.#goodFrom = goodFromOf(report.mistakes)
        log.error({ event: 'tls.reload_refused', mistakes, retryAt: isoOrNull(this.#goodFrom), text: 'The certificates, keys, CAs and revocation lists in use stay in use.' })
        return false
      }
      const listeners = listenersOf(config.listen)
      for (const { path, text } of report.warnings) log.warn({ event: 'configuration.warning', key: path, text })
      log.info({ event: 'tls.reloaded', listeners: material.flatMap((one, index) => one === null ? [] : [summaryOf(one, listeners[index]?.path)]) })
      this.#tellOutdated()
      replaced()
      return true
    } catch (error) {
      log.error({ event: 'tls.reload_bug', error })
      return false
    }
  }

  /** All of it or nothing. What went wrong, in words. */
  #replace(material: readonly (TlsMaterial | null)[]): readonly string[] {
    const done: Entry[] = []
    try {
      for (const entry of this.#users) {
        const fresh = material[entry.index]
        if (fresh === null || fresh === undefined) continue
        done.push(entry)
        entry.user.replace(fresh)
      }
    } catch (error) {
      for (const { index, user } of done) {
        const old = this.#material[index]
        if (old !== null && old !== undefined) user.replace(old)
      }
      return [`OpenSSL does not take it: ${error instanceof Error && 'code' in error ? String(error.code) : 'no reason given'}`]
    }
    this.#material = material
    return []
  }

  #look(): void {
    this.#tellOutdated()
    if (this.#goodFrom === null || this.#options.clock.now() < this.#goodFrom) return
    this.#goodFrom = null
    void this.reload()
  }

  #tellOutdated(): void {
    const { clock, log } = this.#options
    for (const { fields: { issuer, nextUpdate } } of this.#outdated.among(this.#lists, clock.now())) {
      log.warn({ event: 'crl.expired', issuer, nextUpdate: isoOrNull(nextUpdate), text: 'The next revocation list of this CA is overdue.' })
    }
  }
}

/** Null unless all of them only have to be waited for. */
function goodFromOf(mistakes: readonly Mistake[]): number | null {
  const times = mistakes.flatMap(({ until }) => until ?? [])
  return times.length === 0 || times.length < mistakes.length ? null : Math.max(...times)
}

function summaryOf({ server, trust }: TlsMaterial, listener: string | undefined) {
  const certificate = server === null ? null : new X509Certificate(server.certChainPem)
  return {
    listener,
    certificate: certificate === null ? null
      : { fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(), notAfter: certificate.validToDate.toISOString() },
    authorities: trust?.anchors.map(({ certificate: { fingerprint256, notAfter } }) => ({ fingerprint: fingerprint256, notAfter: isoOrNull(notAfter) })) ?? [],
    revocationLists: trust?.revocation?.lists.map(({ fields: { issuer, nextUpdate, serials } }) => ({ issuer, nextUpdate: isoOrNull(nextUpdate), entries: serials.size })) ?? [],
  }
}

const isoOrNull = (time: number | null) => time === null ? null : new Date(time).toISOString()
