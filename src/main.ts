/** The process: arguments in, exit code out. */

// SIGHUP means "read the files of TLS anew" (commands/start.ts), from the first moment on: nothing is imported before it stops being deadly.
process.on('SIGHUP', () => undefined)

const { runCommandLine } = await import('./commands/command-line.ts')
process.exitCode = await runCommandLine(process.argv.slice(2))
