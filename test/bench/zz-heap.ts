import { join } from 'node:path'
import { Child } from './remote.ts'
import { Ground } from './servers.ts'
const [which = 'meerkat', root = '/work/main', out = '/tmp/prof/h.json'] = process.argv.slice(2)
process.env.HEAPOUT = out
const ground = await Ground.make(100)
const opts = ['--import', '/tmp/prof/heap.mjs']
let server
if (which === 'fixed') server = await ground.start('bare', opts, 'bare-login')
else { const child = new Child({ core: 0, cwd: ground.folder, node: [...opts, '--import', join(import.meta.dirname, 'probe.ts'), join(root, 'src/main.ts'), 'start', '--config', join(ground.folder, 'meerkat.toml')] })
  const [, n] = await child.said(/(?:wss|https):\/\/localhost:(\d+)/); server = { child, port: Number(n) } }
const load = new Child({ core: 1, node: [join(import.meta.dirname, 'login-load.ts')] })
await load.call('aim', { isLogin: true, port: server.port, ca: ground.ca, identities: ground.identities })
for (let r = 0; r < 30; r++) { if (r === 20) await server.child.call('hstart'); await load.call('logins', { logins: 200, concurrency: 8 }); await load.call('leave') }
await server.child.call('hstop')
await server.child.stop(); await load.stop()
