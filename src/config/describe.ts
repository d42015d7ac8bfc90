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
  bootstrap-node check [multiaddr]   go a client's way, step by step; without a multiaddr to the node on this machine
  bootstrap-node doctor              whether this machine fits the settings: files, memory, port, clock, directories
                                     (check and doctor: --json for one JSON object)
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
