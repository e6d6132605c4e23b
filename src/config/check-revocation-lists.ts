/** The revocation lists that client certificates are held against: `tls.crl_files` (behaviour/external.md §1). */
import { setImmediate as turn } from 'node:timers/promises'

import type { Anchor } from '../x509/path.ts'
import { readRevocationList, RevocationListError } from '../x509/revocation-list.ts'
import type { RevocationList } from '../x509/revocation-list.ts'
import { RevocationLists } from '../x509/revocation-lists.ts'
import type { TlsOptions } from '../x509/tls-options.ts'
import type { Present } from './present.ts'
import { readNamedFile } from './read-file.ts'
import type { Report } from './report.ts'
import { splitRevocationLists } from './revocation-list-file.ts'
import { quoted } from './wording.ts'

/** Bytes of one file: about a million entries. */
const largest = 67_108_864

/** How far the clocks of two computers may be apart, in milliseconds. */
const clockTolerance = 300_000

/** Null where none is configured; nothing of it is used when a mistake was reported. */
export async function checkRevocationLists(
  tls: Pick<TlsOptions, 'crl_files' | 'crl_expired'>, tlsPath: string, authorities: readonly Anchor[], present: Present, report: Report,
): Promise<RevocationLists | null> {
  if (tls.crl_files.length === 0) return null
  const lists: RevocationList[] = []
  for (const [index, file] of tls.crl_files.entries()) {
    const path = `${tlsPath}.crl_files[${index}]`
    for (const list of await readLists(file, path, report)) if (await isUsable(list, authorities, { file, path, ...present }, report)) lists.push(list)
  }
  if (report.sound(`${tlsPath}.crl_files`)) {
    for (const { certificate, authority } of authorities) {
      if (lists.some(list => list.isOf(authority))) continue
      // A certificate that is pinned by itself issues nothing, but nobody says either that it was not revoked.
      report.warn(`${tlsPath}.crl_files`, `there is no revocation list of ${quoted(certificate.subject)}: certificates that it issued are refused.`)
    }
  }
  return new RevocationLists(lists, tls.crl_expired === 'accept')
}

async function readLists(file: string, path: string, report: Report): Promise<readonly RevocationList[]> {
  const wrong = (found: string, remedy: string) => {
    report.mistake(path, { found: `${quoted(file)}: ${found}`, allowed: 'a file with complete revocation lists (CRLs), PEM or DER', remedy })
    return []
  }
  const read = await readNamedFile(file, largest)
  if (!read.ok) return wrong(read.failure, 'Correct the path, or the permissions of the file.')
  const split = await splitRevocationLists(Buffer.from(read.bytes.buffer, read.bytes.byteOffset, read.bytes.length), turn)
  if (!split.ok) return wrong(split.problem, 'Restore the file from its source.')
  const lists: RevocationList[] = []
  for (const [index, der] of split.ders.entries()) {
    try {
      lists.push(await readRevocationList(der, turn))
    } catch (error) {
      if (!(error instanceof RevocationListError)) throw error
      return wrong(`revocation list ${index + 1} of ${split.ders.length} cannot be used: ${error.message}`, 'Restore the file from its source, or ask the CA for another.')
    }
  }
  return lists
}

interface Found extends Present { readonly file: string, readonly path: string }

/** Whether nothing is wrong with it that can be told now. */
async function isUsable(list: RevocationList, authorities: readonly Anchor[], { file, path, now, inUse }: Found, report: Report): Promise<boolean> {
  const { issuer, thisUpdate, nextUpdate } = list.fields
  const wrong = (found: string, allowed: string, remedy: string, until: number | null = null) => {
    report.mistake(path, { found: `${quoted(file)}: the revocation list of ${quoted(issuer)} ${found}`, allowed, remedy, until })
    return false
  }
  if (thisUpdate > now + clockTolerance) {
    const found = `is of ${iso(thisUpdate)}, which is to come`
    const remedy = 'Check the clock of this machine, and that of the CA.'
    if (inUse?.read.revocationLists.some(known => known.isSameAs(list)) !== true) {
      return wrong(found, 'one that has been issued', remedy, thisUpdate - clockTolerance)
    }
    report.warn(path, `the revocation list of ${quoted(issuer)} ${found}. It stays in use. ${remedy}`)
  }
  const named = authorities.filter(({ authority }) => list.names(authority))
  let isSigned = false
  for (const { authority } of named) isSigned = await list.isOfLater(authority) || isSigned
  if (named.length === 0) {
    // It may be that of an intermediate CA, whose certificate only the clients send: then its signature is checked when one of them comes.
    report.warn(path, `no CA in cacertfile has issued the revocation list of ${quoted(issuer)}: it counts only for an intermediate CA that clients send along.`)
  } else if (!isSigned) {
    return wrong('is not signed by that CA, or by one that may not sign revocation lists', 'one that is signed by a CA in cacertfile, or by an intermediate CA', 'Fetch it again from the CA.')
  }
  if (list.isOutdated(now)) report.warn(path, `the revocation list of ${quoted(issuer)} is out of date: its next one was due on ${iso(nextUpdate ?? 0)}.`)
  else if (nextUpdate === null) report.warn(path, `the revocation list of ${quoted(issuer)} does not say when the next one is due: it never goes out of date.`)
  return true
}

const iso = (time: number) => new Date(time).toISOString().replace('.000Z', 'Z')
