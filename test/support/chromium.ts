// Debian's Chromium with a profile of its own: its own TLS, and an NSS database that holds what the test gives it.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type BrowserContext, chromium } from 'playwright-core'
import { pathOf } from './services.ts'

const run = promisify(execFile)

/** What the tests of this file need to be installed. */
export const chromiumPrograms = ['chromium', 'certutil', 'pk12util'] as const

/** No network but the test's own: no updates, no field trials, no background requests. */
const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-extensions']

export const executablePath = (): string => pathOf('chromium') ?? 'chromium'
export const launchOptions = () => ({ executablePath: executablePath(), headless: false, args: flags })

export interface ProfileOptions {
  /** File of the authority that this browser trusts. */
  readonly caFile: string
  /** Its user's certificate. */
  readonly p12?: { readonly file: string, readonly password: string }
  /** Origins that get the certificate without the picker being shown, which nobody could click here. */
  readonly certificateFor?: readonly string[]
}

export interface BrowserProfile {
  readonly context: BrowserContext
  readonly close: () => Promise<void>
}

/** A browser as a person has it: nothing of the test stands between it and the server. */
export async function openProfile({ caFile, p12, certificateFor = [] }: ProfileOptions): Promise<BrowserProfile> {
  const home = await mkdtemp(join(tmpdir(), 'meerkat-chromium-'))
  const database = join(home, '.pki', 'nssdb')
  const profile = join(home, 'profile')
  await mkdir(database, { recursive: true })
  await mkdir(join(profile, 'Default'), { recursive: true })
  await run('certutil', ['-N', '-d', `sql:${database}`, '--empty-password'])
  await run('certutil', ['-A', '-d', `sql:${database}`, '-n', 'Meerkat development CA', '-t', 'C,,', '-i', caFile])
  if (p12 !== undefined) await run('pk12util', ['-i', p12.file, '-d', `sql:${database}`, '-W', p12.password, '-K', ''])
  await writeFile(join(profile, 'Default', 'Preferences'), JSON.stringify(preferences(certificateFor)))
  const context = await chromium.launchPersistentContext(profile, {
    ...launchOptions(), env: environment(home),
    bypassCSP: true, // a test may put a page of its own in the place of one that the server sent
  })
  return {
    context,
    async close() {
      await context.close()
      await rm(home, { recursive: true, force: true })
    },
  }
}

/**
 * The policy AutoSelectCertificateForUrls is a content setting inside Chromium, so a profile can hold it too: the test
 * leaves no policy file in /etc behind.
 */
function preferences(origins: readonly string[]) {
  const settings = Object.fromEntries(origins.map(origin => [`${origin},*`, { setting: { filters: [{}] } }]))
  return { profile: { content_settings: { exceptions: { auto_select_certificate: settings } } } }
}

/** The user's NSS database is looked for below HOME; nothing else of this process's environment may move it. */
function environment(home: string): Record<string, string> {
  const kept = Object.entries(process.env).flatMap(([name, value]) => value === undefined || name.startsWith('XDG_') ? [] : [[name, value] as const])
  return { ...Object.fromEntries(kept), HOME: home }
}
