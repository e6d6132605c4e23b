// The judgement of the `openssl verify` command on a chain: the second opinion on src/x509/path.ts.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pem } from '../../src/x509/der-writer.ts'

export interface Question {
  readonly leaf: Uint8Array
  readonly sent: readonly Uint8Array[]
  readonly anchors: readonly Uint8Array[]
  /** Null: revocation is not asked for. */
  readonly lists: readonly Uint8Array[] | null
  readonly isStrict: boolean
  /** Milliseconds since the epoch. */
  readonly now: number
}

export interface Judgement { readonly accepts: boolean, readonly words: string }

export class OpensslVerify {
  readonly #folder = mkdtempSync(join(tmpdir(), 'meerkat-verify-'))
  #count = 0

  judge(question: Question): Judgement {
    const file = (label: string, ders: readonly Uint8Array[]) => {
      const path = join(this.#folder, `${this.#count++}.pem`)
      writeFileSync(path, ders.map(der => pem(label, der)).join(''))
      return path
    }
    const certificates = (ders: readonly Uint8Array[]) => file('CERTIFICATE', ders)
    const { status, stdout, stderr } = spawnSync('openssl', ['verify', ...question.isStrict ? ['-x509_strict'] : [], '-purpose', 'sslclient',
      '-no-CApath', '-no-CAstore', '-attime', String(Math.floor(question.now / 1_000)),
      ...question.lists === null ? [] : ['-crl_check_all', ...question.lists.length === 0 ? [] : ['-CRLfile', file('X509 CRL', question.lists)]],
      ...question.anchors.length === 0 ? ['-no-CAfile'] : ['-CAfile', certificates(question.anchors)],
      ...question.sent.length === 0 ? [] : ['-untrusted', certificates(question.sent)],
      certificates([question.leaf])], { encoding: 'utf8', timeout: 20_000 })
    return { accepts: status === 0 && /: OK\s*$/.test(stdout), words: `${stdout}${stderr}`.trim() }
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
