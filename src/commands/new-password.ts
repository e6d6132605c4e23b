/** A password from standard input: asked twice without an echo on a terminal, the first line of anything else. Never from the arguments, which
 * everybody on the machine can read while the command runs. */
import { createInterface } from 'node:readline'
import { type Readable, Writable } from 'node:stream'

/** Standard input, or what stands for it. */
export type PasswordSource = Readable & { readonly isTTY?: boolean }

export type PasswordInput = { readonly ok: true, readonly password: string } | { readonly ok: false, readonly problem: string }

/** Bytes. Nobody types more, and what is piped in by mistake is not read to its end. */
const longest = 4_096

export async function readNewPassword(input: PasswordSource, say: (prompt: string) => void): Promise<PasswordInput> {
  if (input.isTTY !== true) return firstLineOf(input)
  // readline edits the lines; what it would show goes nowhere.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => { done() } })
  const lines = createInterface({ input, output: nowhere, terminal: true, historySize: 0 })
  const typed = lines[Symbol.asyncIterator]()
  try {
    const answers: string[] = []
    for (const prompt of ['Password: ', 'Once more: ']) {
      say(prompt)
      const { done, value } = await typed.next()
      say('\n')
      // Ctrl-C and Ctrl-D.
      if (done === true) return { ok: false, problem: 'given up, nothing was changed' }
      answers.push(value)
    }
    const [first = '', second] = answers
    return first === second ? { ok: true, password: first } : { ok: false, problem: 'the two are not the same, nothing was changed' }
  } finally {
    lines.close()
  }
}

async function firstLineOf(input: PasswordSource): Promise<PasswordInput> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of input as AsyncIterable<Uint8Array>) {
    chunks.push(chunk)
    length += chunk.length
    if (length > longest || chunk.includes(0x0A)) break
  }
  const bytes = Buffer.concat(chunks)
  const end = bytes.indexOf(0x0A)
  const line = end < 0 ? bytes : bytes.subarray(0, end)
  if (line.length > longest) return { ok: false, problem: `the first line of standard input is longer than ${longest} bytes` }
  try {
    // Windows ends its lines with two characters.
    return { ok: true, password: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(line).replace(/\r$/, '') }
  } catch {
    return { ok: false, problem: 'the first line of standard input is not UTF-8' }
  }
}
