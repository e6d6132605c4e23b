/** The configuration as the rest of the program sees it: checked, defaults filled in, paths absolute. The property names are the
 * keys of the file: one name for one thing from the reference to the line of code. */
import type { AuthOptions } from '../auth/options.ts'
import type { FeatureOptions } from '../embedded/options.ts'
import type { LimitsOptions, SessionOptions } from '../session/options.ts'
import type { StoreOptions } from '../store/options.ts'
import type { Domainpart } from '../xmpp/jid.ts'
import type { Warning } from './config-error.ts'
import type { GeneralOptions } from './general.ts'
import type { ListenC2s } from './listen-c2s.ts'
import type { ListenHttp } from './listen-http.ts'
import type { ListenMetrics } from './metrics.ts'

export interface Config {
  /** Absolute path; null for the built-in defaults. */
  readonly file: string | null
  readonly general: Omit<GeneralOptions, 'hosts'> & { readonly hosts: readonly Domainpart[] }
  readonly listen: { readonly http: readonly ListenHttp[], readonly c2s: readonly ListenC2s[], readonly metrics?: ListenMetrics }
  readonly auth: AuthOptions
  readonly store: StoreOptions
  readonly features: FeatureOptions
  readonly limits: LimitsOptions
  readonly session: SessionOptions
  readonly warnings: readonly Warning[]
}
