import { join } from 'node:path'
import { Child } from './remote.ts'
import { Ground } from './servers.ts'
const users = Number(process.argv[2] ?? 100)
const which = process.argv[3] ?? 'meerkat'
const rounds = Number(process.argv[4] ?? 40)
const ground = await Ground.make(users)
const opts = process.argv[5] === 'noprof' ? [] : ['--import', '/tmp/prof/pid.mjs', '--cpu-prof', '--cpu-prof-dir=/tmp/prof', '--cpu-prof-interval=100', `--cpu-prof-name=${which}-${users}.cpuprofile`]
const server = await (which === 'meerkat' ? ground.start('meerkat', opts) : ground.start('bare', opts, which === 'bare' ? 'bare-relay' : 'bare-login'))
const load = new Child({ core: 1, node: [join(import.meta.dirname, 'login-load.ts')] })
await load.call('aim', { isLogin: which !== 'bare', port: server.port, ca: ground.ca, identities: ground.identities })
for (let r = 0; r < rounds; r++) {
  const b = await server.child.call<number>('cpu')
  await load.call('logins', { logins: 200, concurrency: 8 })
  const c = await server.child.call<number>('cpu')
  await load.call('leave')
  if (r % 10 === 9) console.log(which, r, ((c - b) / 200).toFixed(3), 'ms')
}
const pid = await server.child.call<number>('pid')
process.kill(pid, which === 'meerkat' ? 'SIGTERM' : 'SIGUSR2')
await new Promise(r => setTimeout(r, 4000))
await server.child.stop(); await load.stop()
