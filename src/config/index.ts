export { type Arguments, type Command, readArguments } from './arguments.ts'
export type {
  Config,
  ConnectionLimits,
  LogConfig,
  LogFileConfig,
  LogFormatName,
  LogLevel,
  PrefixLimits,
  RelayLimits
} from './config.ts'
export { usage } from './describe.ts'
export { ConfigError, type ConfigProblem, configFrom, loadConfig } from './load.ts'
export { type Dotenv, readDotenv, whyNotWritable } from './preflight.ts'
export { settings } from './settings.ts'
