/** The commands there are. Adding one is a file and a line here; the help follows. */
import { cert } from './cert.ts'
import { check } from './check.ts'
import type { Command } from './command.ts'
import { start } from './start.ts'
import { user } from './user.ts'

export const commands: readonly Command[] = [start, check, cert, user]
