// What the README says of log events and metrics: written from the catalogues that the code uses.
import { type EventDescription, events, fieldMeanings } from '../../src/telemetry/events.ts'
import { metricCatalogue, type MetricDefinition } from '../../src/telemetry/metric-catalogue.ts'
import { table } from './table.ts'

const code = (text: string): string => `\`${text}\``

export function eventTables(): string {
  const all = Object.entries<EventDescription>(events).toSorted(([one], [other]) => one.localeCompare(other, 'en'))
  const rows = (isAudit: boolean) => all.filter(([, { audit = false }]) => audit === isAudit)
    .map(([name, { level, when, fields }]) => [code(name), level, when, fields.map(code).join(', ')])
  const head = ['event', 'level', 'told when', 'fields']
  return [
    'Who got in, and who was refused:', table(head, rows(true)),
    'Everything else:', table(head, rows(false)),
    'The fields:', Object.entries(fieldMeanings).map(([name, meaning]) => `- ${code(name)}: ${meaning}`).join('\n'),
  ].join('\n\n')
}

export function metricTables(): string {
  const all = Object.values<MetricDefinition>(metricCatalogue)
  const rows = all.map(({ name, type, help, labels }) => [code(name), type, Object.keys(labels).map(code).join(', '), help])
  const values = Map.groupBy(
    all.flatMap(({ name, labels }) => Object.entries(labels).map(([label, allowed]) => ({ name, label, allowed }))).filter(({ allowed }) => allowed !== null),
    ({ label, allowed }) => `${code(label)}: ${allowed?.map(code).join(', ') ?? ''}`)
  // A label that means different things says where.
  const isAmbiguous = (label: string) => [...values.values()].filter(([first]) => first?.label === label).length > 1
  const list = [...values].map(([text, [first, ...others]]) => {
    const where = first !== undefined && isAmbiguous(first.label) ? ` (${[first, ...others].map(({ name }) => code(name)).join(', ')})` : ''
    return `- ${text.replace(':', () => `${where}:`)}`
  })
  return [
    table(['metric', 'type', 'labels', 'meaning'], rows),
    'Labels have these values, or `other`:', list.join('\n'),
  ].join('\n\n')
}
