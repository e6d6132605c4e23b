// The sections of README.md that are written from the code: each has a name, and a function that makes its Markdown.
import { commands } from '../../src/commands/catalogue.ts'
import { configurationReference } from '../../src/config/reference.ts'
import type { Spec } from '../../src/embedded/feature.ts'
import { protocols } from '../../src/protocols.ts'
import { boshStatement } from './bosh-statement.ts'
import { dependencyReasons } from './dependency-reasons.ts'
import { table } from './table.ts'
import { eventTables, metricTables } from './telemetry-tables.ts'

/** As much of package.json as is shown. */
export interface PackageManifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

export const generatedSections: Readonly<Record<string, (manifest: PackageManifest) => string>> = {
  commands: commandHelp,
  configuration: () => configurationReference().trimEnd(),
  protocols: () => protocolTable(protocols),
  bosh: boshStatement,
  dependencies: dependencyTables,
  metrics: metricTables,
  events: eventTables,
}

function commandHelp(): string {
  const parts = commands.map(({ usage, summary, help }) => [usage, `    ${summary}`, ...help.map(line => `    ${line}`)].join('\n'))
  return ['```text', parts.join('\n\n'), '```'].join('\n')
}

export function protocolTable(specs: readonly Spec[]): string {
  const kind = ({ id }: Spec) => id.slice(0, 3)
  const number = ({ id }: Spec) => Number(id.slice(4))
  const inOrder = specs.toSorted((a, b) => kind(a).localeCompare(kind(b)) || number(a) - number(b))
  return table(['document', 'title', 'status', 'what of it'],
    inOrder.map(({ id, title, status, version, note = '' }) => [version === undefined ? id : `${id} (${version})`, title, status, note]))
}

function dependencyTables({ dependencies = {}, optionalDependencies = {}, devDependencies = {} }: PackageManifest): string {
  const rows = (packages: Readonly<Record<string, string>>) =>
    Object.entries(packages).map(([name, version]) => [`\`${name}\``, version, dependencyReasons[name] ?? 'NO REASON IS GIVEN'])
  const part = (title: string, packages: Readonly<Record<string, string>>) => `${title}\n\n${table(['package', 'version', 'why'], rows(packages))}`
  return [
    part('To run:', dependencies),
    part('To run where the system\'s own Node is too old (`npm ci --omit=optional` leaves them out):', optionalDependencies),
    part('To develop and test:', devDependencies),
  ].join('\n\n')
}
