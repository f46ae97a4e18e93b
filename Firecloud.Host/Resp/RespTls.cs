using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Firecloud.Actors.Node;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Firecloud.Host.Resp;

/// <summary>The server's certificate, and whose clients it takes.</summary>
internal sealed class RespTls
{
    private readonly X509Certificate2 _certificate;
    private readonly X509Certificate2Collection? _clientCa;

    private RespTls(X509Certificate2 certificate, X509Certificate2Collection? clientCa) => (_certificate, _clientCa) = (certificate, clientCa);

    /// <summary>Clients need a certificate.</summary>
    public bool AsksForCertificates => _clientCa is not null;

    /// <summary>Reads the files of the settings; null where none are named.</summary>
    /// <exception cref="RespStartException">A file can't be used.</exception>
    public static RespTls? Load(RespSettings settings)
    {
        if (settings.Certificate.Length == 0) return null;
        var certificate = Read(
            "certificate", settings.Certificate, () => X509Certificate2.CreateFromPemFile(settings.Certificate, settings.CertificateKey));
        if (settings.ClientCa.Length == 0) return new RespTls(certificate, null);
        var roots = Read("client-ca", settings.ClientCa, () =>
        {
            var all = new X509Certificate2Collection();
            all.ImportFromPemFile(settings.ClientCa);
            return all.Count > 0 ? all : throw new CryptographicException("There is no certificate in it.");
        });
        return new RespTls(certificate, roots);
    }

    /// <summary>For Kestrel.</summary>
    public HttpsConnectionAdapterOptions Options() => new()
    {
        ServerCertificate = _certificate,
        ClientCertificateMode = AsksForCertificates ? ClientCertificateMode.RequireCertificate : ClientCertificateMode.NoCertificate,
        ClientCertificateValidation = (certificate, _, errors) => IsKnown(certificate, errors),
    };

    private bool IsKnown(X509Certificate2 certificate, SslPolicyErrors errors)
    {
        if (_clientCa is null || errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable)) return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_clientCa);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }

    private static T Read<T>(string key, string file, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new RespStartException($"firecloud.resp.tls.{key} = {file} can't be used: {e.Message} Name a PEM file.", e);
        }
    }
}
