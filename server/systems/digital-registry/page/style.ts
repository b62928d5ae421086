import { createHash } from 'node:crypto'
import type { Html } from './html.ts'

/** Made for a phone held in one hand: one column from 320 px on, targets of 48 px, text of 18 px, contrast of 7:1. */
const style = `
*{box-sizing:border-box}
html{font-size:112.5%;-webkit-text-size-adjust:100%}
body{margin:0;background:#f3f5f8;color:#1b1b1b;font-family:system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;line-height:1.5;overflow-wrap:anywhere}
header,main{max-width:36rem;margin:0 auto;padding:0 1rem}
header{display:flex;justify-content:space-between;align-items:center;gap:1rem;min-height:3.5rem}
header p{margin:0;font-weight:700}
header a,.summary a{display:inline-flex;align-items:center;min-height:2.75rem;min-width:2.75rem;padding:0 .5rem}
a{color:#0b3d6b}
main{background:#fff;padding-top:1.25rem;padding-bottom:1.5rem;border-top:.3rem solid #0b3d6b}
h1{font-size:1.6rem;line-height:1.2;margin:0 0 1rem}
h2{font-size:1.15rem;margin:1.5rem 0 .5rem}
.step{margin:0 0 .25rem;color:#4a4a4a}
dl{margin:0;border-top:1px solid #767676}
dl div{padding:.5rem 0;border-bottom:1px solid #767676}
dt{color:#4a4a4a}
dd{margin:0;font-weight:700}
label{font-weight:700}
.field{margin-top:1.5rem}
.hint{margin:.25rem 0 .5rem;color:#4a4a4a}
.error{margin:.25rem 0 .5rem;color:#8f0f0f;font-weight:700}
input[type=text]{display:block;width:100%;min-height:3rem;padding:.5rem .75rem;border:2px solid #1b1b1b;border-radius:.25rem;background:#fff;color:inherit;font:inherit;font-size:1.25rem;letter-spacing:.05em}
[aria-invalid]{border-color:#8f0f0f!important}
.consent{margin:1rem 0;padding:.25rem 1rem 1rem;border:2px solid #1b1b1b;border-radius:.25rem}
.after{margin-top:1rem}
.check{display:flex;align-items:center;gap:.75rem;min-height:3rem}
.check input{flex:none;width:1.75rem;height:1.75rem;margin:0;accent-color:#0b3d6b}
button{display:block;width:100%;min-height:3.25rem;margin:1.25rem 0 0;padding:.5rem 1rem;border:2px solid #0b3d6b;border-radius:.25rem;background:#0b3d6b;color:#fff;font:inherit;font-weight:700;cursor:pointer}
button:hover{background:#072a4a}
.summary{margin:0 0 1.25rem;padding:.5rem 1rem 1rem;border:3px solid #8f0f0f;border-radius:.25rem}
.summary h2{margin-top:.5rem}
.summary ul{margin:0;padding:0;list-style:none}
.summary a{color:#8f0f0f;font-weight:700;padding:0}
:focus-visible{outline:3px solid #8a4b00;outline-offset:3px}
.sr{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.other{margin-top:2rem;padding-top:1rem;border-top:1px solid #767676}
@media (forced-colors:active){button{border-color:ButtonText}}
@media print{header a,form button{display:none}}
`

export const styleElement: Html = { markup: `<style>${style}</style>` }

/** What the content security policy knows this style by, and no other. */
export const styleSource = `'sha256-${createHash('sha256').update(style).digest('base64')}'`
