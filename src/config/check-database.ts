/** The rules of `[auth.rdbms]` and `[store]` that concern several keys, or the meaning of one (behaviour/external.md §5). */
import { isHere, parseDatabaseUrl } from '../auth/accounts/database-url.ts'
import type { DatabaseOptions } from '../auth/accounts/database-options.ts'
import { checkOutgoingTls } from './check-account-servers.ts'
import type { Report } from './report.ts'

/** Without a URL it is the embedded one. */
type Named = Omit<DatabaseOptions, 'url'> & { readonly url?: string }

/** `section` is the path of the table; `what` travels over the connection. */
export function checkDatabase({ url, password_file, tls }: Named, section: string, what: string, report: Report): void {
  const path = `${section}.url`
  if (report.sound(path) && url !== undefined) {
    const parsed = parseDatabaseUrl(url)
    if (!parsed.ok) {
      report.mistake(path, { found: `${parsed.problem} (not shown)`, allowed: '"postgres://…" or "sqlite:…"', remedy: parsed.remedy })
    } else if (parsed.address.kind === 'sqlite') {
      if (password_file !== undefined) report.warn(`${section}.password_file`, 'SQLite knows no passwords: it has no effect.')
    } else {
      const { host, password, tls: isOverTls } = parsed.address
      if (password !== null && password_file !== undefined) {
        report.mistake(`${section}.password_file`, { found: 'a password in the URL as well', allowed: 'one of them', remedy: 'Keep password_file.' })
      }
      if (!isOverTls && !isHere(host)) report.warn(path, `${what} from the database in the clear: remove sslmode=disable.`)
    }
  }
  if (url === undefined && password_file !== undefined) report.warn(`${section}.password_file`, 'without url there is nothing that it opens: it has no effect.')
  checkOutgoingTls(tls, `${section}.tls`, report)
}

/** Whether the URL itself has a password in it. */
export function hasPassword({ url }: Named): boolean {
  if (url === undefined) return false
  const parsed = parseDatabaseUrl(url)
  return parsed.ok && parsed.address.kind === 'postgres' && parsed.address.password !== null
}
