# The whole of a guest inside the lab, in 16-bit code: it writes a counter to its disk and reads it back once a second, so
# that the serial log tells live I/O from a guest that merely exists. A Linux kernel does the same after three minutes of
# booting under twofold emulation, and QEMU maps an initrd, which Debian's policy forbids; this starts in seconds.
#
# It has the shape of a Linux kernel (Documentation/arch/x86/boot.rst), because that is what `-kernel` loads, and never
# leaves its real-mode setup code; disk access is SeaBIOS's int 13h on the virtio disk.
#
# Serial lines: "guest-started" once; then "guest-io-ok N" after each round, or "guest-io-failed N write|read|compare".
# The counter lies as text at byte 4096 of the disk. The power button (virsh shutdown) ends the guest.

        .code16
        .globl _start
        .set SEGMENT, 0x1000            # where QEMU puts the setup code
        .set COM1, 0x3f8
        .set PM1_STATUS, 0x600          # PIIX4 power management, at the address SeaBIOS gives it
        .set PM1_ENABLE, 0x602
        .set PM1_CONTROL, 0x604
        .set POWER_BUTTON, 0x100
        .set SOFT_OFF, 0x2000

        .text
_start:
        .org 0x1f1
        .byte 3                         # setup_sects, besides the first
        .org 0x1fe
        .word 0xaa55
        jmp entry                       # 0x200, where the loader jumps to
        .ascii "HdrS"
        .word 0x0206                    # boot protocol version
        .org 0x211
        .byte 1                         # loadflags: LOADED_HIGH
        .org 0x260

entry:  cli
        ljmp $SEGMENT, $main
main:   mov %cs, %ax
        mov %ax, %ds
        mov %ax, %es
        mov %ax, %ss
        mov $0xf000, %sp
        sti
        cld
        mov $PM1_ENABLE, %dx
        mov $POWER_BUTTON, %ax
        out %ax, %dx
        mov $started, %si
        call print

round:  incl counter
        call compose
        mov $0x43, %ah                  # extended write
        mov $written, %bx
        call disk
        mov $write, %si
        jc failed
        mov $0x42, %ah                  # extended read
        mov $read_back, %bx
        call disk
        mov $read, %si
        jc failed
        mov $written, %si
        mov $read_back, %di
        mov $256, %cx
        repe cmpsw
        mov $compare, %si
        jne failed
        mov $ok, %si
        call print
        mov $number, %si
        call print
        jmp end_of_line
failed: push %si
        mov $not_ok, %si
        call print
        mov $number, %si
        call print
        pop %si
        call print
end_of_line:
        mov $newline, %si
        call print

        mov $10, %cx                    # a second, the button looked at ten times
pause:  push %cx
        mov $PM1_STATUS, %dx
        in %dx, %ax
        test $POWER_BUTTON, %ax
        jz 1f
        mov $PM1_CONTROL, %dx
        mov $SOFT_OFF, %ax
        out %ax, %dx
1:      mov $1, %cx                     # 0x186a0 microseconds
        mov $0x86a0, %dx
        mov $0x86, %ah
        int $0x15
        pop %cx
        loop pause
        jmp round

# One sector between the buffer at %bx and sector 8; %ah is the int 13h function. Carry: it failed.
disk:   mov %bx, packet_offset
        mov %ds, packet_segment
        movw $1, packet_count
        mov $packet, %si
        mov $0, %al
        mov $0x80, %dl
        int $0x13
        ret

# The counter as decimal text in `number`, and "guest-io N" with spaces up to 511 and a newline in `written`.
compose:
        mov $number_end, %di
        mov counter, %eax
        mov $10, %ebx
1:      xor %edx, %edx
        div %ebx
        add $'0', %dl
        dec %di
        mov %dl, (%di)
        test %eax, %eax
        jnz 1b
        mov %di, %si
        mov $number, %di                # to the front, so that it begins where print begins
2:      lodsb
        stosb
        cmp $number_end, %si
        jb 2b
        movb $0, (%di)
        mov $written, %di
        mov $head, %si
        call append
        mov $number, %si
        call append
        mov $written + 511, %cx
        sub %di, %cx
        mov $' ', %al
        rep stosb
        movb $'\n', (%di)
        ret
append: lodsb
        test %al, %al
        jz 1f
        stosb
        jmp append
1:      ret

print:  lodsb
        test %al, %al
        jz 2f
        mov %al, %bl
        mov $COM1 + 5, %dx
1:      in %dx, %al
        test $0x20, %al
        jz 1b
        mov $COM1, %dx
        mov %bl, %al
        out %al, %dx
        jmp print
2:      ret

started:  .asciz "guest-started\r\n"
ok:       .asciz "guest-io-ok "
not_ok:   .asciz "guest-io-failed "
write:    .asciz " write"
read:     .asciz " read"
compare:  .asciz " compare"
head:     .asciz "guest-io "
newline:  .asciz "\r\n"
counter:  .long 0
number:   .fill 10, 1, 0
number_end: .fill 2, 1, 0

        .balign 16
packet:         .byte 16, 0
packet_count:   .word 1
packet_offset:  .word 0
packet_segment: .word 0
packet_sector:  .quad 8

        .org 0x600
        .balign 512
written:   .fill 512, 1, 0
        .org 0x800                      # end of the setup code: (3 + 1) sectors
read_back_file: .fill 512, 1, 0         # QEMU wants a protected-mode part; it is never run
        .set read_back, 0x2000          # free memory of our segment
