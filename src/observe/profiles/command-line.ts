import { redact } from '../../identity/redact.ts'

const HIDDEN = '[hidden]'
const SECRET_FLAG = /^--?[\w-]*(?:private|secret|password|passphrase|token|key)$/i

/** The arguments as Go gives them, separated by NUL, with everything hidden that may be a secret. Never the environment. */
export function commandLine(argv: readonly string[]): string {
  return argv.map((argument, index) => hide(argument, argv[index - 1] ?? '')).join('\0')
}

function hide(argument: string, before: string): string {
  if (SECRET_FLAG.test(before) && !argument.startsWith('-')) return HIDDEN
  const equals = argument.indexOf('=')
  if (equals > 0 && SECRET_FLAG.test(argument.slice(0, equals))) return `${argument.slice(0, equals)}=${HIDDEN}`
  return redact(argument)
}
