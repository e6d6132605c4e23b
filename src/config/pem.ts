/** Splits a PEM file (RFC 7468) into its blocks and finds broken ones. OpenSSL silently stops at the first block that it does not
 * understand, which makes a CA disappear without a word. */

export interface PemBlock {
  /** What stands after BEGIN: `CERTIFICATE`, `PRIVATE KEY` … */
  readonly label: string
  readonly text: string
  readonly isEncrypted: boolean
}

export interface PemFile {
  readonly blocks: readonly PemBlock[]
  /** The first broken block, in words; null when there is none. */
  readonly problem: string | null
}

export function splitPem(content: string): PemFile {
  const blocks: PemBlock[] = []
  const broken = (line: number, what: string) => ({ blocks, problem: `line ${line + 1}: ${what}` })
  let begun: { label: string, line: number } | null = null
  const lines = content.split(/\r?\n/)
  for (const [number, line] of lines.entries()) {
    const [, edge, label = ''] = /^-----(BEGIN|END) ([A-Z0-9 ]{1,64})-----\s*$/.exec(line) ?? []
    if (edge === undefined) {
      // Text between blocks is allowed (RFC 7468 §2), a damaged boundary is not text.
      if (line.includes('--') && (line.includes('BEGIN ') || line.includes('END '))) return broken(number, 'a damaged BEGIN or END line')
    } else if (edge === 'BEGIN') {
      if (begun !== null) return broken(begun.line, `the block ${begun.label} has no end`)
      begun = { label, line: number }
    } else {
      if (begun?.label !== label) return broken(number, `the end of a block ${label} that did not begin`)
      const inner = lines.slice(begun.line + 1, number)
      const headers = inner.filter(one => one.includes(':'))
      const base64 = inner.filter(one => !one.includes(':')).join('').replace(/\s/g, '')
      if (!isBase64(base64)) return broken(begun.line, `the block ${label} is not base64`)
      blocks.push({
        label, text: `${lines.slice(begun.line, number + 1).join('\n')}\n`,
        isEncrypted: label === 'ENCRYPTED PRIVATE KEY' || headers.some(header => /^Proc-Type:.*ENCRYPTED/.test(header)),
      })
      begun = null
    }
  }
  return begun === null ? { blocks, problem: null } : broken(begun.line, `the block ${begun.label} has no end`)
}

const isBase64 = (text: string) => text.length > 0 && text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text)
