/** The README's configuration reference, in Markdown, written from the schemas that the reader uses. */
import { IsArray, IsObject, IsUnion } from 'typebox'
import type { TObject, TSchema } from 'typebox'

import { annotation, text } from './annotations.ts'
import { notYet } from './not-yet.ts'
import { configSchema } from './schema.ts'
import { allowedText } from './wording.ts'

interface Section {
  readonly name: string
  readonly isList: boolean
  readonly schema: TObject
  readonly meaning: string
}

const introduction = 'TOML, in UTF-8. Paths are relative to the file. A key that is not known, and a value that is not allowed, are mistakes: '
  + 'the gateway names all of them and does not start (exit code 78). What stands in `[listen.http.tls]` may as well be written in `[[listen.http]]` as '
  + '`tls.certfile = "…"`, and so on for other sections.'

export function configurationReference(): string {
  return `${[introduction, ...sectionsOf(configSchema, '').map(sectionText), ...notYet.length === 0 ? [] : [laterText()]].join('\n\n')}\n`
}

/** A section for every table, in the order of the schema; one that only holds other tables has none. */
function sectionsOf(schema: TObject, path: string): readonly Section[] {
  return Object.entries(schema.properties).flatMap(([key, property]) => {
    const table = tableIn(property)
    if (table === null) return []
    const name = path === '' ? key : `${path}.${key}`
    const properties = Object.values(table.properties)
    const onlyTables = properties.length > 0 && properties.every(one => tableIn(one) !== null)
    const section = { name, isList: IsArray(property), schema: table, meaning: text(table, 'description') ?? '' }
    return [...(onlyTables ? [] : [section]), ...sectionsOf(table, name)]
  })
}

/** The table that a key opens, if it does: `[general]`, `[[listen.http]]`, `[listen.http.websocket]`. */
function tableIn(schema: TSchema): TObject | null {
  if (IsObject(schema)) return schema
  if (IsArray(schema)) return IsObject(schema.items) ? schema.items : null
  return IsUnion(schema) ? schema.anyOf.find(IsObject) ?? null : null
}

function sectionText({ name, isList, schema, meaning }: Section): string {
  const rows = Object.entries(schema.properties)
    // `websocket = false` is a key as well as a section.
    .filter(([, property]) => tableIn(property) === null || IsUnion(property))
    .map(([key, property]) => rowText(key, property))
  const title = `#### \`${isList ? `[[${name}]]` : `[${name}]`}\`\n\n${meaning}`
  return rows.length === 0 ? title : [title, '', '| key | allowed | default | unit | meaning |', '|---|---|---|---|---|', ...rows].join('\n')
}

function rowText(key: string, schema: TSchema): string {
  const [unit, meaning] = [text(schema, 'unit') ?? '', text(schema, 'description') ?? '']
  const cells = [`\`${key}\``, allowedText(schema, 'without unit'), defaultText(schema), unit, meaning]
  return `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

/** In TOML's notation. */
function defaultText(schema: TSchema): string {
  const value = annotation(schema, 'default')
  if (value === undefined) return ''
  if (typeof value === 'number') return `\`${value > 9999 ? String(value).replace(/\B(?=(\d{3})+$)/g, '_') : value}\``
  if (Array.isArray(value)) return `\`[${value.map(item => JSON.stringify(item)).join(', ')}]\``
  return typeof value === 'object' ? 'its defaults' : `\`${JSON.stringify(value)}\``
}

function laterText(): string {
  const lines = notYet.map(({ pattern, values, brings }) => {
    const key = pattern.replaceAll('[]', '')
    return `- \`${key}\`${values === undefined ? '' : ` with ${values.map(value => `\`"${value}"\``).join(', ')}`}: ${brings}`
  })
  return ['#### Not available yet', '', 'These keys are known and refused until a later version brings what they stand for.', '', ...lines].join('\n')
}
