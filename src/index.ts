// What an embedder imports.
import './polyfill.ts'

export { BootstrapNode, type NodeParts } from './bootstrap-node.ts'
export { type Clock, systemClock } from './clock.ts'
export { type Config, ConfigError, type ConfigProblem, configFrom } from './config/index.ts'
export { BootstrapError, type ErrorCode } from './errors.ts'
export type { Status } from './observe/status.ts'
