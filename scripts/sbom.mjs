// Prints what production installs as CycloneDX. `npm sbom --omit dev` (npm 11) leaves out what a development package needs, too,
// even if production does: so all is listed, and what is for development alone goes.
import { execFileSync } from 'node:child_process'

const args = ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx', '--sbom-type', 'application']
const text = execFileSync('npm', args, {
  encoding: 'utf8',
  maxBuffer: 64 * 1024 * 1024,
  stdio: ['ignore', 'pipe', 'inherit']
})
const bill = JSON.parse(text)
const isDevelopment = ({ properties = [] }) => properties.some(({ name }) => name === 'cdx:npm:package:development')
const dropped = new Set(bill.components.filter(isDevelopment).map((component) => component['bom-ref']))
bill.components = bill.components.filter((component) => !dropped.has(component['bom-ref']))
bill.dependencies = bill.dependencies
  .filter(({ ref }) => !dropped.has(ref))
  .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((other) => !dropped.has(other)) }))
process.stdout.write(`${JSON.stringify(bill, null, 2)}\n`)
