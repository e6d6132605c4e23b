/** A state in words, with an icon and a colour that say the same. */
import type { Summary } from '../summary.ts'
import { html, type Html } from './html.ts'

const strokes = {
  good: html`<path d="M4.5 10.5l3.5 3.5 7.5-8"/>`,
  attention: html`<path d="M10 4.5v7"/><path d="M10 15.2v.1"/>`,
  bad: html`<path d="M5.5 5.5l9 9m0-9l-9 9"/>`,
  neutral: html`<path d="M5 10h10"/>`,
} as const satisfies Record<Summary['tone'], Html>

export const badge = (tone: Summary['tone'], words: string): Html =>
  html`<span class="badge ${tone}"><svg viewBox="0 0 20 20" aria-hidden="true">${strokes[tone]}</svg>${words}</span>`
