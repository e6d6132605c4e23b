/** Names and values, one below the other. */
import { html, type Html } from './html.ts'

type Value = Html | string | readonly (Html | null)[]

export const factList = (facts: Readonly<Record<string, Value>>): Html =>
  html`<dl>${Object.entries(facts).map(([name, value]) => html`\n<div><dt>${name}</dt><dd>${value}</dd></div>`)}\n</dl>`

/** `bdi`: a name of another writing direction must not rearrange what stands beside it. */
export const nameList = (names: readonly string[]): Html =>
  names.length === 0 ? html`<span class="none">none</span>` : html`${names.map(name => html`<bdi class="name">${name}</bdi>`)}`

/** Lines break after colons and slashes rather than anywhere. */
export const breakable = (text: string): Html => html`${text.split(/(?<=[:/])(?![:/])/).map(part => html`${part}<wbr>`)}`

/** One click selects the whole. */
export const hexadecimal = (text: string): Html => html`<code class="hex">${breakable(text)}</code>`

export const instant = (iso: string): Html => html`<time datetime="${iso}">${iso.slice(0, 16).replace('T', ' ')} UTC</time>`
