import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { findPackageJSON } from 'node:module'
import { dirname, join } from 'node:path'
import type { FastifyInstance, FastifyReply } from 'fastify'

/** Our own script: the page may run nothing inline. The validator would send the document to swagger.io. */
const initializer = `SwaggerUIBundle({
  url: new URL('../../openapi.json', document.currentScript.src).pathname,
  dom_id: '#swagger-ui',
  deepLinking: true,
  validatorUrl: null,
  tryItOutEnabled: false,
  defaultModelsExpandDepth: 0,
})
`

const mediaTypes = {
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'swagger-ui.css': 'text/css; charset=utf-8',
  'index.css': 'text/css; charset=utf-8',
  'favicon-32x32.png': 'image/png',
  'initializer.js': 'text/javascript; charset=utf-8',
} as const

const securityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** GET /docs: Swagger UI for /openapi.json, from this machine's files alone. */
export function docsRoutes(app: FastifyInstance): void {
  const { folder, version } = swaggerUi()
  // Relative, so that a proxy may put the server below a path of its own.
  const page = (assets: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>VLT Kiosk API</title>
<link rel="icon" type="image/png" href="${assets}/favicon-32x32.png">
<link rel="stylesheet" href="${assets}/swagger-ui.css">
<link rel="stylesheet" href="${assets}/index.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="${assets}/swagger-ui-bundle.js"></script>
<script src="${assets}/initializer.js"></script>
</body>
</html>
`
  app.get('/docs', ({ url }, reply) =>
    guarded(reply)
      .headers({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' })
      .send(page(/^[^?]*\/(\?|$)/.test(url) ? version : `docs/${version}`)),
  )
  for (const [name, mediaType] of Object.entries(mediaTypes)) {
    app.get(`/docs/${version}/${name}`, async (_request, reply) => {
      const content = name === 'initializer.js' ? initializer : await readFile(join(folder, name))
      return guarded(reply)
        .headers({ 'content-type': mediaType, 'cache-control': 'public, max-age=31536000, immutable' })
        .send(content)
    })
  }
}

function guarded(reply: FastifyReply): FastifyReply {
  return reply.headers({
    'content-security-policy': securityPolicy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  })
}

/** Where the package lies, and what its files' addresses carry: they may be cached until that changes. */
function swaggerUi(): { folder: string; version: string } {
  const manifest = findPackageJSON('swagger-ui-dist', import.meta.url)
  if (manifest === undefined) throw new Error('the package swagger-ui-dist is not installed')
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  const ours = createHash('sha256').update(initializer).digest('hex').slice(0, 8)
  return { folder: dirname(manifest), version: `${version}-${ours}` }
}
