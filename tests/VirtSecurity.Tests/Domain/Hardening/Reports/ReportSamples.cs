using VirtSecurity.Hardening;
using VirtSecurity.Hardening.Reports;
using VirtSecurity.Hosts;

namespace VirtSecurity.Tests.Domain.Hardening.Reports;

/// <summary>Results to make reports of.</summary>
internal static class ReportSamples
{
    public static readonly DateTime Written = new(2026, 11, 26, 9, 30, 0, DateTimeKind.Utc);

    /// <summary>What a host may say that is meant to be more than text, or is none.</summary>
    public static readonly string[] Hostile =
    [
        "<script>alert(1)</script>", "</script><script>alert(1)</script>", "</style><img src=x onerror=alert(1)>", "\" onmouseover=\"alert(1)", "' autofocus onfocus='alert(1)",
        "<!-- <![CDATA[ ]]> -->", "&lt;b&gt; &#x3c;", "{{{style}}} {{title}} {{#hosts}}", "{0} {} [a link](javascript:alert(1))", "\u0000\u0001\u0008\u000b\u001b[31mred\u001b[0m\u007f\u009b", "\r\n\r \t",
        "\u202egnp.exe\u2066\u2069\u200b\ufeff\u2028\u2029", "\ud800 \udc80\udcff \udfff", "\ufffe\uffff\ufdd0", "\U0001f512 \u05d0\u05d1 \u00e9\u4e2d", "\U000e0041\ue000", "a\nb\nc\n", "",
    ];

    /// <summary>A result of each status and severity on two hosts.</summary>
    public static IReadOnlyList<Dom0HardeningResult> Every =>
    [
        .. from host in (string[])["kvm1", "ssh://operator@xen1:2222?sudo"]
           from severity in Enum.GetValues<HardeningSeverity>()
           from status in Enum.GetValues<HardeningStatus>()
           select Result($"TST-{((int)severity * 6) + (int)status + 1:00}", status, severity, host),
    ];

    public static HardeningReport Report(params IReadOnlyList<Dom0HardeningResult> results) => HardeningReport.Of("A title", Written, results);

    public static Dom0HardeningResult Result(string id, HardeningStatus status, HardeningSeverity severity = HardeningSeverity.High, string host = "kvm1") => new()
    {
        VirtHost = new VirtHost(host),
        Id = id,
        Title = $"Title of {id}",
        Category = (int)severity > 2 ? "SELinux" : "Storage",
        Severity = severity,
        Status = status,
        Expected = "what should be",
        Actual = $"what is, {status}",
        Evidence = status == HardeningStatus.Waived ? "waived until 2027-01-31: old backup (ops)\n/etc/x: y" : "/etc/x: y\n/etc/z: 1",
        Remediation = status is HardeningStatus.Fail or HardeningStatus.Warn ? "do this" : "",
        RemediationCommand = status == HardeningStatus.Fail ? "setsebool -P x off\nrestorecon -- '/a b'" : "",
        Source = "a manual",
    };

    /// <summary>The same results with a text in each place where one stands, the host's name apart, which has no room for it.</summary>
    public static IReadOnlyList<Dom0HardeningResult> With(string text) =>
    [
        .. Every.Select(result => result with
        {
            Id = $"{result.Id}{text}", Title = $"t{text}", Category = $"{result.Category}{text}", Expected = $"e{text}", Actual = $"a{text}",
            Evidence = $"v{text}", Remediation = $"r{text}", RemediationCommand = $"c{text}", Source = $"s{text}",
        }),
    ];
}
