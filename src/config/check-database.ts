/** The rules of `[auth.rdbms]` that concern several keys, or the meaning of one (behaviour/external.md §5). */
import { isHere, parseDatabaseUrl } from '../auth/accounts/database-url.ts'
import type { RdbmsOptions } from '../auth/backends/rdbms-options.ts'
import { checkOutgoingTls } from './check-account-servers.ts'
import type { Report } from './report.ts'

export function checkRdbms({ url, password_file, tls }: RdbmsOptions, report: Report): void {
  const path = 'auth.rdbms.url'
  if (report.sound(path)) {
    const parsed = parseDatabaseUrl(url)
    if (!parsed.ok) {
      report.mistake(path, { found: `${parsed.problem} (not shown)`, allowed: '"postgres://…" or "sqlite:…"', remedy: parsed.remedy })
    } else if (parsed.address.kind === 'sqlite') {
      if (password_file !== undefined) report.warn('auth.rdbms.password_file', 'SQLite knows no passwords: it has no effect.')
    } else {
      const { host, password, tls: isOverTls } = parsed.address
      if (password !== null && password_file !== undefined) {
        report.mistake('auth.rdbms.password_file', { found: 'a password in the URL as well', allowed: 'one of them', remedy: 'Keep password_file.' })
      }
      if (!isOverTls && !isHere(host)) report.warn(path, 'what is kept of passwords travels from the database in the clear: remove sslmode=disable.')
    }
  }
  checkOutgoingTls(tls, 'auth.rdbms.tls', report)
}

/** Whether the URL itself has a password in it. */
export function hasPassword({ url }: RdbmsOptions): boolean {
  const parsed = parseDatabaseUrl(url)
  return parsed.ok && parsed.address.kind === 'postgres' && parsed.address.password !== null
}
