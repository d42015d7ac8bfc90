import { type Setting, settings } from './settings.ts'

const rows = Object.entries(settings) as Array<[string, Setting<unknown>]>

/** What `--help` prints. */
export function usage(): string {
  const lines = rows.map(([variable, { flag, fallback, meaning, allowed }]) => {
    const name = flag === undefined ? variable : `--${flag}  ${variable}`
    const preset = fallback === undefined ? '' : ` [${fallback}]`
    return `  ${name}${preset}\n      ${meaning.replaceAll('`', '')}; ${allowed}`
  })
  return `The bootstrap node of the PowerLoom snapshotter network

Usage:
  bootstrap-node [flags]             run the node
  bootstrap-node check [multiaddr]   dial a node as a client would; without a multiaddr the one on this machine
  bootstrap-node --generate-key      print a new identity
  bootstrap-node --help | --version

Settings: a flag, else the environment variable, else a .env file in the working directory, else the default in brackets
${lines.join('\n')}
`
}

/** The table of the README; a test keeps the two equal. */
export function settingsTable(): string {
  const lines = rows.map(([variable, { flag, fallback, meaning, allowed }]) => {
    const cells = [
      `\`${variable}\``,
      flag === undefined ? '–' : `\`--${flag}\``,
      fallback === undefined ? '–' : `\`${fallback}\``,
      meaning,
      allowed
    ]
    return `| ${cells.join(' | ')} |`
  })
  return ['| variable | flag | default | meaning | allowed |', '|---|---|---|---|---|', ...lines].join('\n')
}
