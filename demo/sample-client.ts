/** A made-up client, as the API document's example has it. */
export function sampleClient(codigoClienteVLT: number): string {
  return JSON.stringify({
    codigoClienteVLT,
    correo: `cliente${String(codigoClienteVLT)}@example.com`,
    enviarWhatsApp: true,
    enviarCorreo: true,
    enviarSms: false,
    tipoDocumento: 1,
    dni: String(70_000_000 + codigoClienteVLT),
    nombre: 'Brandon',
    apellidoPaterno: 'Mamani',
    apellidoMaterno: 'Ayala',
    fechaNacimiento: '1995-04-23T00:00:00.000Z',
    ubigeo: '230101',
  })
}
