namespace VirtSecurity.Lab;

/// <summary>What may be wrong with libvirt: who comes in, and what it lets guests do. Its daemon must not run meanwhile, or it would answer for its files.</summary>
public static class LibvirtWeaknesses
{
    private const string DaemonFile = "/etc/libvirt/libvirtd.conf";
    private const string GuestFile = "/etc/libvirt/qemu.conf";

    /// <summary>Plain TCP.</summary>
    public static Weakness PlainTcp { get; } = new("libvirt listens for plain TCP", Listen("libvirtd-tcp.socket"), Close("libvirtd-tcp.socket")) { Finds = [("SVC-04", @"libvirtd-tcp\.socket: active \(listening\)")] };

    /// <summary>And asks nobody.</summary>
    public static Weakness OpenTcp { get; } = HostWeaknesses.Added("libvirt's TCP asks nobody who it is", DaemonFile, "auth_tcp = \"none\"", ("SVC-05", "auth_tcp = none"));

    /// <summary>Anybody on the host is root.</summary>
    public static Weakness OpenSocket { get; } = Of(HostWeaknesses.Added("anybody on the host may connect to libvirt", DaemonFile, "auth_unix_rw = \"none\"", ("SVC-06", @"/run/libvirt/libvirt-sock: \d+:\d+ 0666")), """
        stat -c %a /run/libvirt/libvirt-sock >/run/libvirt-sock.mode
        chmod 0666 /run/libvirt/libvirt-sock
        """, "chmod \"$(cat /run/libvirt-sock.mode)\" /run/libvirt/libvirt-sock");

    /// <summary>Any certificate will do, and everybody reads the key.</summary>
    public static Weakness OpenTls { get; } = Of(
        HostWeaknesses.Added("libvirt's TLS takes any certificate, and its key is everybody's", DaemonFile, "tls_no_verify_certificate = 1", ("SVC-07", "tls_no_verify_certificate = 1"), ("SVC-07", @"serverkey\.pem: 0:0 0644")),
        $"""
        mkdir -p /etc/pki/libvirt/private
        echo key >/etc/pki/libvirt/private/serverkey.pem
        chmod 0644 /etc/pki/libvirt/private/serverkey.pem
        {Listen("libvirtd-tls.socket")}
        """, $"""
        {Close("libvirtd-tls.socket")}
        rm -r /etc/pki/libvirt
        """);

    /// <summary>No labels.</summary>
    public static Weakness NoDriver { get; } = HostWeaknesses.Added("libvirt gives guests no label", GuestFile, "security_driver = \"none\"", ("QMU-01", "security_driver = none"));

    /// <summary>None unless asked for.</summary>
    public static Weakness UnconfinedByDefault { get; } = HostWeaknesses.Added("guests have no label unless they ask for one", GuestFile, "security_default_confined = 0", ("QMU-02", "security_default_confined = 0"));

    /// <summary>QEMU is root.</summary>
    public static Weakness QemuAsRoot { get; } = HostWeaknesses.Added("QEMU runs as root", GuestFile, "user = \"root\"", ("QMU-04", "user = root"));

    /// <summary>No filter.</summary>
    public static Weakness NoFilter { get; } = HostWeaknesses.Added("QEMU's system calls are not filtered", GuestFile, "seccomp_sandbox = 0", ("QMU-05", "seccomp_sandbox = 0"));

    private static Weakness Of(Weakness line, string make, string takeBack) => line with { Make = $"{line.Make}\n{make}", TakeBack = $"{takeBack}\n{line.TakeBack}" };

    // Debian's policy lets no systemd listen there.
    private static string Listen(string socket) => $"""
        mode=$(getenforce)
        setenforce 0
        systemctl start {socket}
        setenforce "$mode"
        """;

    private static string Close(string socket) => $"systemctl stop {socket}";
}
