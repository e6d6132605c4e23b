/**
 * Reads a conversation script (test/scripts/*.xmpp): plain sentences about who connects, who sends and who receives what.
 * The first line is the title. `#` begins a comment. Indented lines belong to the sentence above them. test/scripts/README.md has the list.
 */

/** Who acts: "Romeo", or another client of the same account: "Romeo's phone". */
export interface Actor {
  /** As the script writes it. */
  readonly name: string
  /** The localpart of the account. */
  readonly user: string
}

interface Place { readonly line: number, readonly sentence: string, readonly actor: Actor }

export type Step = Place & (
  | { readonly does: 'connect', readonly resource: string | null, readonly host: string | null }
  | { readonly does: 'log in', readonly host: string | null }
  | { readonly does: 'open', readonly host: string | null }
  | { readonly does: 'become available', readonly priority: string | null }
  | { readonly does: 'befriend', readonly other: Actor }
  | { readonly does: 'send', readonly elements: readonly string[] }
  | { readonly does: 'receive', readonly elements: readonly string[], readonly inAnyOrder: boolean }
  | { readonly does: 'be offered', readonly elements: readonly string[] }
  | { readonly does: 'be offered no', readonly ns: string }
  | { readonly does: 'receive nothing' }
  | { readonly does: 'receive a stream error', readonly condition: string }
  | { readonly does: 'be asked' }
  | { readonly does: 'disconnect' }
  | { readonly does: 'break' })

export interface Script {
  readonly title: string
  /** Lines of meerkat.toml, dotted keys only; null where the gateway that all scripts share will do. */
  readonly configuration: string | null
  readonly steps: readonly Step[]
}

export class ScriptError extends Error {
  override readonly name = 'ScriptError'
}

type Told<Kind = Step> = Kind extends Step ? Omit<Kind, keyof Place> : never

/** What a sentence means; one that ends in a colon has XML under it. */
type Reading = (groups: Readonly<Record<string, string | undefined>>, block: readonly string[]) => Told

const actor = "(?<actor>[A-Z][a-z]+(?:'s [a-z]+)?)"
const resource = '(?: as "(?<resource>[^"]*)")?'
const host = '(?: to "(?<host>[^"]*)")?'

const sentence = (form: string, read: Reading) => ({ form: new RegExp(`^${actor}${form}$`), hasBlock: form.endsWith(':'), read })

const sentences = [
  sentence("'s connection breaks", () => ({ does: 'break' })),
  sentence(` connects${resource}${host}`, ({ resource = null, host = null }) => ({ does: 'connect', resource, host })),
  sentence(` logs in${host}`, ({ host = null }) => ({ does: 'log in', host })),
  sentence(` opens a stream${host}`, ({ host = null }) => ({ does: 'open', host })),
  sentence(' becomes available(?: with priority (?<priority>-?[0-9]+))?', ({ priority = null }) => ({ does: 'become available', priority })),
  sentence(` and ${actor.replace('actor', 'other')} see each other`, ({ other = '' }) => ({ does: 'befriend', other: actorNamed(other) })),
  sentence(' sends:', (_, elements) => ({ does: 'send', elements })),
  sentence(' receives:', (_, elements) => ({ does: 'receive', elements, inAnyOrder: false })),
  sentence(' receives in any order:', (_, elements) => ({ does: 'receive', elements, inAnyOrder: true })),
  sentence(' was offered:', (_, elements) => ({ does: 'be offered', elements })),
  sentence(' was offered nothing of "(?<ns>[^"]+)"', ({ ns = '' }) => ({ does: 'be offered no', ns })),
  sentence(' receives nothing', () => ({ does: 'receive nothing' })),
  sentence(' receives a stream error (?<condition>[a-z-]+)', ({ condition = '' }) => ({ does: 'receive a stream error', condition })),
  sentence(' is asked for an acknowledgement', () => ({ does: 'be asked' })),
  sentence(' disconnects', () => ({ does: 'disconnect' })),
]

const actorNamed = (name: string): Actor => ({ name, user: name.split("'")[0]?.toLowerCase() ?? '' })

/** One sentence with the lines under it. */
interface Paragraph { readonly line: number, readonly sentence: string, readonly block: readonly string[] }

export function readScript(source: string): Script {
  const [title = '', ...lines] = source.split('\n')
  const [first, ...rest] = paragraphsOf(lines)
  const configuration = first?.sentence === 'Configuration:' ? first.block.join('\n') : null
  const told = configuration !== null || first === undefined ? rest : [first, ...rest]
  const steps = told.map(stepOf)
  if (steps.length === 0) throw new ScriptError('nothing happens in this script')
  return { title: title.trim(), configuration, steps }
}

function paragraphsOf(lines: readonly string[]): readonly Paragraph[] {
  const paragraphs: (Paragraph & { readonly block: string[] })[] = []
  for (const [index, text] of lines.entries()) {
    const isIndented = /^\s/.test(text)
    if (text.trim() === '' || text.startsWith('#')) continue
    if (isIndented) {
      const above = paragraphs.at(-1)
      // The title is line 1.
      if (above === undefined) throw new ScriptError(`line ${index + 2}: an indented line that belongs to nothing`)
      above.block.push(text)
    } else {
      paragraphs.push({ line: index + 2, sentence: text.trim(), block: [] })
    }
  }
  return paragraphs
}

function stepOf({ line, sentence, block }: Paragraph): Step {
  for (const { form, hasBlock, read } of sentences) {
    const groups = form.exec(sentence)?.groups
    if (groups === undefined) continue
    if (hasBlock !== block.length > 0) throw new ScriptError(`line ${line}: "${sentence}" ${hasBlock ? 'lacks its XML' : 'takes no XML'}`)
    return { line, sentence, actor: actorNamed(groups.actor ?? ''), ...read(groups, elementsOf(block)) }
  }
  throw new ScriptError(`line ${line}: nobody understands "${sentence}"`)
}

/** An element begins on each line that is indented as little as the first and opens a tag. */
function elementsOf(block: readonly string[]): readonly string[] {
  const margin = /^\s*/.exec(block[0] ?? '')?.[0].length ?? 0
  const elements: string[] = []
  for (const text of block) {
    const inner = text.slice(margin)
    if (elements.length === 0 || (/^<[^/]/.test(inner) && text.search(/\S/) === margin)) elements.push(inner)
    else elements.push(`${elements.pop() ?? ''}\n${inner}`)
  }
  return elements
}
